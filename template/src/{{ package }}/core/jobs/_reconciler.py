# Owned by the template.
"""Takes up what was left: jobs that are due, jobs of dead processes, and rows past their retention."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final, Protocol

import structlog
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from ..database import Database, unit_of_work, utc_now
from ._models import Job, Schedule
from ._queue import put_back, take_due

__all__ = ["NotHandedOnError", "Reconciler"]

_BATCH: Final = 20
_RETENTION: Final = timedelta(hours=1)

log = structlog.get_logger(__name__)


class NotHandedOnError(Exception):
    """Jobs could not be handed on; they are as they were."""


class Dispatcher(Protocol):
    """What jobs are handed on to."""

    @property
    def reserve(self) -> timedelta:
        """How long a job is left to it before another process may have it."""

    @property
    def patience(self) -> timedelta:
        """How long at most a job that nobody takes waits until it is handed on once more."""

    async def hand_on(self, rows: Sequence[Job]) -> None:
        """Hand on jobs; raises NotHandedOnError."""


class Reconciler:
    """A loop beside the requests; as many processes as like may run one."""

    def __init__(
        self,
        database: Database,
        dispatcher: Dispatcher,
        delete_expired: Callable[[AsyncSession], Awaitable[None]],
        *,
        every: timedelta,
    ) -> None:
        self._database = database
        self._dispatcher = dispatcher
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
                    next_retention = clock() + _RETENTION.total_seconds()
                    if await self._has_the_turn("retention", _RETENTION):
                        await self.delete_expired()
            except (SQLAlchemyError, OSError) as error:
                handed_on = 0
                log.warning("reconciler waits for the database", error=type(error).__name__)
            except NotHandedOnError as error:
                handed_on = 0
                log.warning("reconciler waits for the broker", error=str(error))
            except Exception:
                # A loop that ended would leave every later job lying, without a word.
                handed_on = 0
                log.exception("reconciler goes on after an error")
            if handed_on < _BATCH:
                await asyncio.sleep(self._every)

    async def hand_on_due_jobs(self) -> int:
        """Hand on what is due now; returns how many jobs that were."""
        to = self._dispatcher
        rows = await take_due(self._database, limit=_BATCH, reserve=to.reserve, patience=to.patience)
        try:
            await to.hand_on(rows)
        except NotHandedOnError:
            await put_back(self._database, rows)
            raise
        return len(rows)

    async def delete_expired(self) -> None:
        """Delete what is past its retention, in one transaction."""
        async with unit_of_work(self._database) as session:
            await self._delete_expired(session)

    async def _has_the_turn(self, name: str, every: timedelta) -> bool:
        """True for one of all processes, once in so long."""
        now = utc_now()
        taken = update(Schedule).where(Schedule.name == name, Schedule.due_at <= now).values(due_at=now + every)
        try:
            async with unit_of_work(self._database) as session:
                if await session.scalar(taken.returning(Schedule.name)) is not None:
                    return True
                if await session.get(Schedule, name) is not None:
                    return False
                session.add(Schedule(name=name, due_at=now + every))
        except IntegrityError:
            # Another process was the first at the same moment.
            return False
        return True
