# Owned by the template.
"""Lists with a maximum, paged by the last identifier seen, so that no page number can be out of range (RT006)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

from ..database import ID_MAX

__all__ = ["Page", "PageQuery", "page_of"]

V = TypeVar("V")
M = TypeVar("M")


class Page(BaseModel, Generic[V]):
    """A page of a list, the newest first; `next` is what to send as `after` for the page behind it."""

    items: list[V]
    next: int | str | None


class PageParameters(BaseModel):
    """Which page of a list, by row identifiers."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=20, ge=1, le=100)
    after: int | None = Field(default=None, ge=1, le=ID_MAX, description="`next` of the page before")


PageQuery = Annotated[PageParameters, Query()]
"""The paging parameters of a list, in the query string."""


async def page_of(
    session: AsyncSession,
    query: Select[M],
    identifier: Any,
    *,
    limit: int,
    after: object | None,
    view: Callable[[M], V],
) -> Page[V]:
    """One page of a query.

    Args:
        session: where.
        query: the rows, unordered.
        identifier: the column that orders them and that `after` is a value of.
        limit: how many at the most.
        after: the last identifier of the page before.
        view: makes what the caller sees from a row.
    """
    if after is not None:
        query = query.where(identifier < after)
    rows = list(await session.scalars(query.order_by(identifier.desc()).limit(limit + 1)))
    more = len(rows) > limit
    last = getattr(rows[limit - 1], identifier.key) if more else None
    following = last if last is None or isinstance(last, int) else str(last)
    return Page(items=[view(row) for row in rows[:limit]], next=following)
