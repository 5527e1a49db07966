# Owned by the template.
"""The tables of jobs."""

from __future__ import annotations

import secrets
import time
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, Text, enumeration, user_reference, utc_now

__all__ = ["FINAL_STATES", "JOBS", "Job", "JobChunk", "JobState", "Schedule", "uuid7"]


class JobState(StrEnum):
    """Where a job is. The last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


JOBS = "jobs"
"""The topic that tells a job's owner of each of its states."""

FINAL_STATES = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})


def uuid7() -> UUID:
    """A UUID of version 7 (RFC 9562): ordered by the millisecond it was made in, unguessable after that."""
    milliseconds = time.time_ns() // 1_000_000
    return UUID(int=milliseconds << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62))


class Job(Model):
    """One job. Its state is the truth; a broker only says when to look."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index(None, "state", "hand_on_at"),
        Index(None, "owner_id", "id"),
        Index(None, "finished_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    kind: Mapped[str] = mapped_column(String(100))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    owner_id: Mapped[int | None] = user_reference(index=False)
    state: Mapped[JobState] = mapped_column(enumeration(JobState), default=JobState.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int]
    progress: Mapped[int] = mapped_column(default=0)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    error: Mapped[Text | None]
    file_name: Mapped[str | None] = mapped_column(String(200))
    file_type: Mapped[str | None] = mapped_column(String(100))
    file_size: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    run_at: Mapped[datetime]
    # When it is handed on, or once more, if nobody has taken it by then. Came in 0.2: rows from before it are due.
    hand_on_at: Mapped[datetime] = mapped_column(
        default=lambda context: context.get_current_parameters()["run_at"], server_default="1970-01-01 00:00:00.000000"
    )
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    lease_token: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    request_id: Mapped[str | None] = mapped_column(String(64))


class JobChunk(Model):
    """A piece of the file that a job made; in the database, because a worker shares no disk with the API."""

    __tablename__ = "job_chunks"

    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Schedule(Model):
    """When something that is done again and again is due; whichever process moves `due_at` on does it."""

    __tablename__ = "schedules"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    due_at: Mapped[datetime]
