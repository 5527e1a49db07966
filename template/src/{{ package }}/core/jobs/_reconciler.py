# Owned by the template.
"""Takes up what was left: jobs that are due, jobs of dead processes, and rows past their retention."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from ..database import Database, unit_of_work
from ._queue import due

__all__ = ["Reconciler"]

_BATCH: Final = 20
_RETENTION_SECONDS: Final = 3_600.0

log = structlog.get_logger(__name__)


class Reconciler:
    """A loop beside the requests; as many processes as like may run one."""

    def __init__(
        self,
        database: Database,
        dispatch: Callable[[UUID], Awaitable[None]],
        delete_expired: Callable[[AsyncSession], Awaitable[None]],
        *,
        every: timedelta,
    ) -> None:
        self._database = database
        self._dispatch = dispatch
        self._delete_expired = delete_expired
        self._every = every.total_seconds()

    async def run(self) -> None:
        """Go on until cancelled. A database that is away is waited for."""
        clock = asyncio.get_running_loop().time
        next_retention = clock()
        while True:
            try:
                handed_on = await self.hand_on_due_jobs()
                if clock() >= next_retention:
                    next_retention = clock() + _RETENTION_SECONDS
                    await self.delete_expired()
            except (SQLAlchemyError, OSError) as error:
                handed_on = 0
                log.warning("reconciler waits for the database", error=type(error).__name__)
            except Exception:
                # A loop that ended would leave every later job lying, without a word.
                handed_on = 0
                log.exception("reconciler goes on after an error")
            if handed_on < _BATCH:
                await asyncio.sleep(self._every)

    async def hand_on_due_jobs(self) -> int:
        """Hand on what is due now; returns how many jobs that were."""
        async with unit_of_work(self._database, read_only=True) as session:
            ready = await due(session, limit=_BATCH)
        for job_id in ready:
            await self._dispatch(job_id)
        return len(ready)

    async def delete_expired(self) -> None:
        """Delete what is past its retention, in one transaction."""
        async with unit_of_work(self._database) as session:
            await self._delete_expired(session)
