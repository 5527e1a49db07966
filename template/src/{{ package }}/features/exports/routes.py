"""The routes of exports."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel

from ...core.http import CurrentUser, Router, Session
from ...core.jobs import enqueue
from .jobs import build_export
from .schemas import ExportRequest

exports = Router("/exports", tags=["exports"])


class ExportAccepted(BaseModel):
    """`GET /jobs/{job_id}` tells how far it is, `GET /jobs/{job_id}/result` downloads it."""

    job_id: UUID


@exports.post("", status_code=202)
async def request_export(body: ExportRequest, session: Session, user: CurrentUser) -> ExportAccepted:
    """Ask for an export of one's activity."""
    job = await enqueue(session, build_export, body, owner_id=user.user_id)
    return ExportAccepted(job_id=job.id)
