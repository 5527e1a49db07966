# Owned by the template.
"""The Redis stream that carries notices between processes; bounded, so that it can be read again from the start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..clients import SharedRedis
from ._topics import Notice

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["HISTORY", "EventId", "Stream", "StreamError"]

HISTORY: Final = 2_000
"""How many notices are kept for sockets that come back, of all owners together."""

_NAME: Final = "realtime"
_ADD_SECONDS: Final = 0.5
_READ_SECONDS: Final = 5.0
_BLOCK_MILLISECONDS: Final = 1_000


class StreamError(Exception):
    """Redis did not answer, or not in time."""


class EventId(NamedTuple):
    """The place of an event in the order of all events: a millisecond, and a number within it, as Redis has it."""

    milliseconds: int
    number: int

    @classmethod
    def parse(cls, text: str) -> EventId:
        """The identifier that is written `<milliseconds>-<number>`."""
        milliseconds, _, number = text.partition("-")
        return cls(int(milliseconds), int(number))

    def __str__(self) -> str:
        return f"{self.milliseconds}-{self.number}"


class Stream:
    """Adds notices and reads them; every method raises StreamError, and no other error, when Redis is away."""

    def __init__(self, redis: SharedRedis) -> None:
        self._redis = redis

    async def add(self, notices: Sequence[Notice]) -> None:
        """Add these, in half a second or not at all."""
        async with self._asking(_ADD_SECONDS) as client, client.pipeline(transaction=False) as pipeline:
            for owner_id, topic, key in notices:
                fields: Any = {"owner": owner_id, "topic": topic, "key": key}
                pipeline.xadd(_NAME, fields, maxlen=HISTORY, approximate=True)
            await pipeline.execute()

    async def newest(self) -> list[tuple[EventId, Notice]]:
        """All that is kept, the oldest first."""
        async with self._asking(_READ_SECONDS) as client:
            found: Any = await client.xrevrange(_NAME, count=HISTORY)
        return [_entry(*each) for each in reversed(found)]

    async def after(self, last: EventId) -> list[tuple[EventId, Notice]]:
        """What was added since; waits a second for something."""
        async with self._asking(_READ_SECONDS) as client:
            # In the third version of the protocol a mapping, in the second a list of pairs.
            found: Any = await client.xread({_NAME: str(last)}, count=HISTORY, block=_BLOCK_MILLISECONDS)
        streams = found.values() if isinstance(found, dict) else [entries for _, entries in found or ()]
        return [_entry(*each) for entries in streams for each in entries]

    @asynccontextmanager
    async def _asking(self, seconds: float) -> AsyncIterator[Redis]:
        from redis.exceptions import RedisError  # noqa: PLC0415 - imported by services with Redis alone

        try:
            async with asyncio.timeout(seconds):
                yield self._redis.client
        except (RedisError, OSError, TimeoutError) as error:
            raise StreamError(type(error).__name__) from error
        # Failure: the client kept a cancellation to itself now and then, and a process that was to end read on for ever.
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError


def _entry(identifier: bytes, fields: dict[bytes, bytes]) -> tuple[EventId, Notice]:
    notice = Notice(int(fields[b"owner"]), fields[b"topic"].decode(), fields[b"key"].decode())
    return EventId.parse(identifier.decode()), notice
