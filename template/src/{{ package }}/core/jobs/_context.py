# Owned by the template.
"""Context of one attempt at a job: the claim to it, and the object that its function is given."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

import structlog
from sqlalchemy import event, insert, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from ..clients import Clients
from ..database import Database, unit_of_work
from ..realtime import publish
from ..settings import CoreSettings
from ._errors import PermanentError
from ._models import JOBS, Job, JobChunk

__all__ = ["Claim", "Run"]

_CHUNK_BYTES: Final = 262_144

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Claim:
    """The right to run a job once, until the lease ends."""

    job_id: UUID
    token: UUID
    kind: str
    payload: dict[str, Any]
    owner_id: int | None
    attempt: int
    max_attempts: int
    request_id: str | None


class Run:
    """Context that a job's function is given: identity, session, and ways to report progress and keep a file."""

    def __init__(self, database: Database, settings: CoreSettings, held: Claim, session: AsyncSession) -> None:
        self.id: UUID = held.job_id
        self.attempt: int = held.attempt
        self.owner_id: int | None = held.owner_id
        self.session = session
        self.settings = settings
        # Written with the final state: an earlier update would lock the row against heartbeats and cancelling.
        self.file: dict[str, Any] = {}
        self._database = database
        self._held = held
        self._in_transaction = False
        event.listen(session.sync_session, "after_begin", self._began)

    def _began(self, *_: Any) -> None:
        self._in_transaction = True

    @property
    def blocks_other_writers(self) -> bool:
        """True once the session holds SQLite's one write lock."""
        return self._database.is_sqlite and self._in_transaction

    @property
    def clients(self) -> Clients:
        """The process's clients of other services, and its cache."""
        return cast("Clients", self.session.info["clients"])

    def reading(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A session for long reads, which keeps nobody from writing; use it before `session`."""
        return unit_of_work(self._database, read_only=True)

    async def progress(self, percent: int) -> None:
        """Tell how much is done, 0 to 100, visible at once to whoever watches the job.

        On SQLite it waits for the end once the session has been used, since there is one writer at a time.

        Raises:
            ValueError: it is no percentage.
        """
        if not 0 <= percent <= 100:
            raise ValueError(f"progress {percent} is no percentage: give 0 to 100")
        if self.blocks_other_writers:
            return
        try:
            async with unit_of_work(self._database) as session:
                await session.execute(
                    update(Job).where(Job.id == self.id, Job.lease_token == self._held.token).values(progress=percent)
                )
                publish(session, JOBS, owner_id=self.owner_id, key=self.id)
        except SQLAlchemyError:
            log.warning("progress could not be told", exc_info=True)

    async def keep_file(self, name: str, media_type: str, content: AsyncIterable[bytes]) -> None:
        """Keep a file as the job's download, in the transaction of its other effects.

        Raises:
            PermanentError: it is larger than `JOB_FILE_MAX_BYTES`.
        """
        size = position = 0
        async for chunk in _rechunk(content):
            size += len(chunk)
            if size > self.settings.job_file_max_bytes:
                raise PermanentError(
                    f"the file is larger than the {self.settings.job_file_max_bytes} bytes that a job may keep"
                )
            # Not through the session's objects: they would all be kept in memory.
            await self.session.execute(insert(JobChunk).values(job_id=self.id, position=position, content=chunk))
            position += 1
        self.file = {"file_name": name, "file_type": media_type, "file_size": size}


async def _rechunk(content: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    buffer = bytearray()
    async for piece in content:
        buffer += piece
        while len(buffer) >= _CHUNK_BYTES:
            yield bytes(buffer[:_CHUNK_BYTES])
            del buffer[:_CHUNK_BYTES]
    if buffer:
        yield bytes(buffer)
