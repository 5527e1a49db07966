"""A feature of the measured service alone, copied into it as features/bench: a job that inserts one row."""

from __future__ import annotations

from pydantic import Field

from ...core.features import Feature
from ...core.jobs import JobPayload, Run, job
from ..inbox.models import Capture


class InsertPayload(JobPayload):
    """Whose row it is, and which."""

    owner_id: int = Field(ge=1)
    number: int = Field(ge=0)


@job("bench.insert")
async def insert(run: Run, payload: InsertPayload) -> None:
    """Insert one row."""
    run.session.add(Capture(owner_id=payload.owner_id, source="bench", text=f"number {payload.number}"))


feature = Feature(jobs=[insert])
