# Owned by the template.
"""How many jobs there are and how long they have waited, for whoever watches the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ..database import utc_now
from ._models import Job, JobState

__all__ = ["JobCount", "count_jobs"]


@dataclass(frozen=True)
class JobCount:
    """The jobs of one kind in one state; `waited` is for how many seconds the oldest queued one has been due."""

    kind: str
    queue: str
    state: JobState
    number: int
    waited: float | None


async def count_jobs(session: AsyncSession, queues: Mapping[str, str]) -> list[JobCount]:
    """The jobs that wait, run, or ended without success, of every kind, also where there are none.

    Those that succeeded are left out: they are nearly all rows, and counting them would take ever longer.

    Args:
        session: any.
        queues: the queue of each kind.
    """
    states = [state for state in JobState if state is not JobState.SUCCEEDED]
    rows = await session.execute(
        select(Job.kind, Job.state, func.count(), func.min(Job.run_at))
        .where(Job.state.in_(states))
        .group_by(Job.kind, Job.state)
    )
    found = {(kind, state): (number, oldest) for kind, state, number, oldest in rows}
    now, counts = utc_now(), []
    for kind in sorted({*queues, *(kind for kind, _ in found)}):
        for state in states:
            number, oldest = found.get((kind, state), (0, None))
            waited = max(0.0, (now - oldest).total_seconds()) if oldest is not None else 0.0
            queue = queues.get(kind, "")
            counts.append(JobCount(kind, queue, state, number, waited if state is JobState.QUEUED else None))
    return counts
