"""What happened in an inbox day by day, for other features."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Date, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from .models import Capture, Item, ItemState


@dataclass
class DayActivity:
    """One day (UTC) of one inbox; the items are those that were made on that day, by their present state."""

    captures: int = 0
    items: Counter[ItemState] = field(default_factory=Counter)


async def activity(session: AsyncSession, owner_id: int, first: date, last: date) -> dict[date, DayActivity]:
    """The days from `first` to `last`, both included, on which there was anything."""
    begin = datetime.combine(first, time(), UTC)
    end = datetime.combine(last, time(), UTC) + timedelta(days=1)
    days: dict[date, DayActivity] = {}

    day = func.date(Capture.created_at, type_=Date)
    captures = select(day, func.count()).where(
        Capture.owner_id == owner_id, Capture.created_at >= begin, Capture.created_at < end
    )
    for when, count in await session.execute(captures.group_by(day)):
        days.setdefault(when, DayActivity()).captures = count

    day = func.date(Item.created_at, type_=Date)
    items = select(day, Item.state, func.count()).where(
        Item.owner_id == owner_id, Item.created_at >= begin, Item.created_at < end
    )
    for when, state, count in await session.execute(items.group_by(day, Item.state)):
        days.setdefault(when, DayActivity()).items[state] = count
    return days
