# Owned by the template.
"""Rows that belong to somebody are found only through their owner (RT004)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.interfaces import ORMOption

from ..database import Model
from ..identity import Principal
from ._problems import not_found

__all__ = ["find_owned", "owned"]


M = TypeVar("M", bound=Model)


def owned(model: type[M], user: Principal) -> Select[M]:
    """A query for the rows of `model` that are the user's own; `model` has an `owner_id`."""
    columns: Any = model
    return select(model).where(columns.owner_id == user.user_id)


async def find_owned(
    session: AsyncSession,
    model: type[M],
    identifier: object,
    user: Principal,
    *,
    what: str,
    for_update: bool = False,
    options: Sequence[ORMOption] = (),
) -> M:
    """One row of the user's own.

    Args:
        session: the request's.
        model: has an `id` and an `owner_id`.
        identifier: which.
        user: whose.
        what: its name, for the error.
        options: what to load with it, such as `selectinload(Order.lines)`.
        for_update: lock it, so that what is decided on its state stays true until the commit.

    Raises:
        Problem: 404, also when the row is there and is somebody else's.
    """
    columns: Any = model
    query = owned(model, user).where(columns.id == identifier).options(*options)
    row = await session.scalar(query.with_for_update(key_share=True) if for_update else query)
    if row is None:
        raise not_found(what, identifier)
    return row
