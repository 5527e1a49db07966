# Owned by the template.
"""The unit of work: one transaction for a request or a job, committed once, here and nowhere else (DB007)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from ._engine import Database

__all__ = ["on_commit", "unit_of_work"]

log = structlog.get_logger(__name__)

_CALLBACKS = "on_commit"

Callback = Callable[[], Awaitable[None]]


@asynccontextmanager
async def unit_of_work(database: Database, *, read_only: bool = False) -> AsyncIterator[AsyncSession]:
    """A session whose changes are committed when the block ends well and rolled back when it does not.

    What `on_commit` was given runs after the commit, when the connection is back in the pool.

    Args:
        database: where.
        read_only: the database refuses to write; on SQLite no lock is taken, so that nobody waits.
    """
    async with database.session(read_only=read_only) as session:
        if read_only:
            yield session
            return
        async with session.begin():
            yield session
    for callback in session.info.pop(_CALLBACKS, ()):
        try:
            await callback()
        except Exception:
            # What was committed stands, and whoever asked for it must not be told otherwise.
            log.exception("after the commit")


def on_commit(session: AsyncSession, callback: Callback) -> None:
    """Run `callback` once the session's unit of work is committed, never if it is rolled back."""
    session.info.setdefault(_CALLBACKS, []).append(callback)
