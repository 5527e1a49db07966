# Owned by the template.
"""The routes of jobs: their state, their result, and cancelling them; each to its owner alone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from ..database import Database, unit_of_work
from ..jobs import Job, JobChunk, JobState, JobStateError, JobView, request_cancel
from ._dependencies import CurrentUser, Session, runtime_of
from ._owned import find_owned, owned
from ._paging import Page, page_of
from ._problems import conflict
from ._routing import Router

__all__ = ["jobs"]

jobs = Router("/jobs", tags=["jobs"])


class JobsQuery(BaseModel):
    """Which page of one's jobs."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=20, ge=1, le=100)
    after: UUID | None = Field(default=None, description="`next` of the page before")
    state: JobState | None = None


@jobs.get("")
async def list_jobs(session: Session, user: CurrentUser, query: Annotated[JobsQuery, Query()]) -> Page[JobView]:
    """One's jobs, the newest first."""
    rows = owned(Job, user)
    if query.state is not None:
        rows = rows.where(Job.state == query.state)
    return await page_of(session, rows, Job.id, limit=query.limit, after=query.after, view=JobView.of)


@jobs.get("/{job_id}")
async def show_job(job_id: UUID, session: Session, user: CurrentUser) -> JobView:
    """One job: its state, progress, result or error, and times."""
    return JobView.of(await find_owned(session, Job, job_id, user, what="job"))


@jobs.get("/{job_id}/result", response_model=None, responses={200: {"description": "The job's file, or its result"}})
async def download_result(job_id: UUID, request: Request, session: Session, user: CurrentUser) -> Response:
    """The file that the job made, or its result as JSON if it made none; 409 until it has succeeded."""
    row = await find_owned(session, Job, job_id, user, what="job")
    if row.state is not JobState.SUCCEEDED:
        raise conflict(f"the job is {row.state}; there is a result once it has succeeded")
    if row.file_name is None:
        return JSONResponse(row.result)
    return StreamingResponse(
        _chunks(runtime_of(request).database, row.id),
        media_type=row.file_type,
        headers={"Content-Length": str(row.file_size), "Content-Disposition": _attachment(row.file_name)},
    )


@jobs.post("/{job_id}/cancel")
async def cancel_job(job_id: UUID, session: Session, user: CurrentUser) -> JobView:
    """Cancel a job: at once while it is queued, at its next heartbeat while it runs; 409 when it has ended."""
    row = await find_owned(session, Job, job_id, user, what="job", for_update=True)
    try:
        await request_cancel(session, row)
    except JobStateError as error:
        raise conflict(str(error)) from None
    return JobView.of(row)


async def _chunks(database: Database, job_id: UUID) -> AsyncIterator[bytes]:
    """The file, piece by piece.

    Failure: a session held while a slow client reads is one connection less for everybody. So each piece is
    read in a transaction of its own.
    """
    position = 0
    while True:
        async with unit_of_work(database, read_only=True) as session:
            statement = select(JobChunk.content).where(JobChunk.job_id == job_id, JobChunk.position == position)
            content = await session.scalar(statement)
        if content is None:
            return
        yield content
        position += 1


def _attachment(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
