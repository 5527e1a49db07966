"""How many items the inbox has in each state, for those who look at it live."""

from __future__ import annotations

from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.identity import Principal
from ...core.realtime import Topic
from .models import Item


class InboxCounts(BaseModel):
    """How many items there are."""

    pending: int = 0
    accepted: int = 0
    dismissed: int = 0


async def count_items(session: AsyncSession, user: Principal) -> InboxCounts:
    """One's own, by state."""
    rows = select(Item.state, func.count()).where(Item.owner_id == user.user_id).group_by(Item.state)
    return InboxCounts(**{state.value: number for state, number in await session.execute(rows)})


counts = Topic("inbox", count_items)
