"""The jobs of the inbox."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from ...core.database import upsert
from ...core.http import Id
from ...core.jobs import JobPayload, PermanentError, Run, in_thread, job
from ...core.realtime import publish
from .counts import counts
from .models import Capture, Item
from .refining import Draft, refine
from .summariser import Summariser


class RefinePayload(JobPayload):
    """Which capture to refine."""

    capture_id: Id


class Refined(BaseModel):
    """How many items came of it, what made them, and why it was not the summariser, if that is in use."""

    items: int
    by: Literal["rules", "summariser"]
    trouble: str | None


@job("inbox.refine", timeout=60)
async def refine_capture(run: Run, payload: RefinePayload) -> Refined:
    """Make a capture's items. Done twice, it leaves the same items."""
    async with run.reading() as reading:
        capture = await reading.get(Capture, payload.capture_id)
    if capture is None:
        raise PermanentError(f"capture {payload.capture_id} is gone")
    drafts, by, trouble = await _drafts(run, capture.text)
    for position, draft in enumerate(drafts):
        await upsert(
            run.session,
            Item,
            {
                "owner_id": capture.owner_id,
                "capture_id": capture.id,
                "position": position,
                "kind": draft.kind,
                "title": draft.title,
                "body": draft.body,
                "confidence": draft.confidence,
            },
            key=("capture_id", "position"),
        )
    publish(run.session, counts.name, owner_id=capture.owner_id)
    return Refined(items=len(drafts), by=by, trouble=trouble)


async def _drafts(run: Run, text: str) -> tuple[list[Draft], Literal["rules", "summariser"], str | None]:
    summariser, trouble = run.clients[Summariser], None
    if summariser.is_configured:
        answer = await summariser.drafts(text)
        if answer.value:
            return answer.value, "summariser", None
        trouble = answer.trouble or "the summariser saw no items"
    return await in_thread(refine, text), "rules", trouble
