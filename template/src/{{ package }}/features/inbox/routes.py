"""The routes of the inbox."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from ...core.database import ID_MAX, utc_now
from ...core.http import CurrentUser, Line, Page, Prose, Router, RowId, Session, conflict, find_owned, owned, page_of
from ...core.jobs import enqueue
from ...core.realtime import publish
from .counts import counts
from .jobs import RefinePayload, refine_capture
from .models import Capture, Item, ItemKind, ItemState

ingest = Router("/ingest", tags=["inbox"])
inbox = Router("/inbox", tags=["inbox"])


class RawCapture(BaseModel):
    """A text to capture, and where it came from."""

    model_config = ConfigDict(extra="forbid")

    text: Prose
    source: Line = "api"


class CaptureAccepted(BaseModel):
    """The capture is kept; `GET /jobs/{job_id}` tells how its refinement goes."""

    capture_id: int
    job_id: UUID


class ItemView(BaseModel):
    """An item of the inbox; `confidence` is 0 to 1."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    capture_id: int
    kind: ItemKind
    title: str
    body: str
    confidence: float
    state: ItemState
    created_at: datetime
    decided_at: datetime | None


class InboxQuery(BaseModel):
    """Which page of the inbox."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=20, ge=1, le=100)
    after: int | None = Field(default=None, ge=1, le=ID_MAX, description="`next` of the page before")
    state: ItemState | None = None


@ingest.post("/raw", status_code=202)
async def ingest_raw(body: RawCapture, session: Session, user: CurrentUser) -> CaptureAccepted:
    """Capture a text; a job makes inbox items of it."""
    capture = Capture(owner_id=user.user_id, source=body.source, text=body.text)
    session.add(capture)
    await session.flush()
    job = await enqueue(session, refine_capture, RefinePayload(capture_id=capture.id), owner_id=user.user_id)
    return CaptureAccepted(capture_id=capture.id, job_id=job.id)


@inbox.get("")
async def list_items(session: Session, user: CurrentUser, query: Annotated[InboxQuery, Query()]) -> Page[ItemView]:
    """One's inbox, the newest first."""
    rows = owned(Item, user)
    if query.state is not None:
        rows = rows.where(Item.state == query.state)
    return await page_of(session, rows, Item.id, limit=query.limit, after=query.after, view=ItemView.model_validate)


@inbox.get("/{item_id}")
async def show_item(item_id: RowId, session: Session, user: CurrentUser) -> ItemView:
    """One item."""
    return ItemView.model_validate(await find_owned(session, Item, item_id, user, what="item"))


@inbox.post("/{item_id}/accept")
async def accept_item(item_id: RowId, session: Session, user: CurrentUser) -> ItemView:
    """Accept an item."""
    return await _decide(session, user, item_id, ItemState.ACCEPTED)


@inbox.post("/{item_id}/dismiss")
async def dismiss_item(item_id: RowId, session: Session, user: CurrentUser) -> ItemView:
    """Dismiss an item."""
    return await _decide(session, user, item_id, ItemState.DISMISSED)


async def _decide(session: Session, user: CurrentUser, item_id: int, state: ItemState) -> ItemView:
    item = await find_owned(session, Item, item_id, user, what="item", for_update=True)
    if item.state not in (ItemState.PENDING, state):
        raise conflict(f"item {item_id} is {item.state} already")
    if item.state is ItemState.PENDING:
        item.state, item.decided_at = state, utc_now()
        publish(session, counts.name, owner_id=user.user_id)
    return ItemView.model_validate(item)
