# Owned by the template.
"""What an owner sees of a job, over HTTP, live and on the command line."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ..identity import Principal
from ..realtime import Topic
from ._models import JOBS, Job, JobState

__all__ = ["JobView", "jobs_topic"]

_NEWEST: Final = 50


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


class Jobs(BaseModel):
    """One's newest jobs, the newest first."""

    items: list[JobView]


async def _newest(session: AsyncSession, user: Principal) -> Jobs:
    rows = select(Job).where(Job.owner_id == user.user_id).order_by(Job.id.desc()).limit(_NEWEST)
    return Jobs(items=[JobView.of(row) for row in await session.scalars(rows)])


async def _one(session: AsyncSession, user: Principal, key: str) -> JobView | None:
    row = await session.scalar(select(Job).where(Job.owner_id == user.user_id, Job.id == UUID(key)))
    return None if row is None else JobView.of(row)


jobs_topic = Topic(JOBS, _newest, _one)
