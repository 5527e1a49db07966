# Owned by the template.
"""What an owner sees of a job, over HTTP and on the command line."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel

from ._models import Job, JobState

__all__ = ["JobView"]


class JobFileView(BaseModel):
    """A file that a job made; `GET /jobs/{id}/result` downloads it."""

    name: str
    media_type: str
    size: int


class JobView(BaseModel):
    """One job: its state, progress in percent, result or error, and times."""

    id: UUID
    kind: str
    state: JobState
    progress: int
    attempts: int
    max_attempts: int
    cancel_requested: bool
    error: str | None
    result: dict[str, Any] | None
    file: JobFileView | None
    created_at: datetime
    run_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, row: Job) -> Self:
        """The view of a row; its payload and lease stay inside."""
        file = None
        if row.file_name is not None and row.file_type is not None and row.file_size is not None:
            file = JobFileView(name=row.file_name, media_type=row.file_type, size=row.file_size)
        shown = {name: getattr(row, name) for name in cls.model_fields if name != "file"}
        return cls(**shown, file=file)
