# Owned by the template.
"""A cache whose every entry ends: in Redis where there is one, else in the process (CL007)."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import structlog
from pydantic import TypeAdapter, ValidationError

from ._breaker import Breaker, ServiceUnavailableError

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from ._redis import SharedRedis

__all__ = ["Cache", "Cached"]

T = TypeVar("T")

_MOST_ENTRIES: Final = 10_000
_SECONDS: Final = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Cached(Generic[T]):
    """A kind of thing that is cached, declared once beside what makes it.

    Attributes:
        name: `<feature>.<things>`, unique in the service.
        kind: what it is; validated when it is read, since it may have been written by an older release.
        ttl: how long an entry is good; there is none without an end (CL007).
    """

    name: str
    kind: type[T]
    ttl: timedelta

    def __post_init__(self) -> None:
        """Raises ValueError for a time to live that is none."""
        if self.ttl <= timedelta(0):
            raise ValueError(f"cache {self.name!r} has a time to live of {self.ttl}: give more than none (CL007)")

    @cached_property
    def adapter(self) -> TypeAdapter[T]:
        """Reads and writes its JSON."""
        return TypeAdapter(self.kind)


class Cache:
    """The process's cache. Trouble with Redis is a miss: logged, and behind a breaker, never an error.

    Waiting for more than a second for a connection of the pool is trouble too.
    """

    def __init__(self, redis: SharedRedis | None) -> None:
        """In the process without Redis: then with 10,000 entries at most, and each process has its own."""
        self.breaker = Breaker("redis")
        self._redis = redis
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    async def get(self, cached: Cached[T], key: str) -> T | None:
        """What was put there, unless it has ended, was pushed out or is not what it should be."""
        content = await self._get(_name(cached, key))
        if content is None:
            return None
        try:
            return cached.adapter.validate_json(content)
        except ValidationError:
            log.warning("cached entry is not what it should be", cache=cached.name)
            return None

    async def put(self, cached: Cached[T], key: str, value: T) -> None:
        """Keep it for the time that its kind has to live."""
        name, content = _name(cached, key), cached.adapter.dump_json(value)
        if self._redis is None:
            self._entries[name] = time.monotonic() + cached.ttl.total_seconds(), content
            self._entries.move_to_end(name)
            if len(self._entries) > _MOST_ENTRIES:
                self._entries.popitem(last=False)
            return
        milliseconds = max(1, int(cached.ttl.total_seconds() * 1000))
        await self._ask(self._redis, lambda redis: redis.set(name, content, px=milliseconds))

    async def forget(self, cached: Cached[T], key: str) -> None:
        """Drop it; while Redis does not answer it stays, until its time is over."""
        name = _name(cached, key)
        if self._redis is None:
            self._entries.pop(name, None)
            return
        await self._ask(self._redis, lambda redis: redis.delete(name))

    async def fetch(self, cached: Cached[T], key: str, make: Callable[[], Awaitable[T]]) -> T:
        """What is cached; else what `make` returns, which is cached then. Who asks at once may make it twice."""
        found = await self.get(cached, key)
        if found is None:
            found = await make()
            await self.put(cached, key, found)
        return found

    async def _get(self, name: str) -> bytes | str | None:
        if self._redis is None:
            until, content = self._entries.get(name, (0.0, b""))
            if until > time.monotonic():
                return content
            self._entries.pop(name, None)
            return None
        found: bytes | str | None = await self._ask(self._redis, lambda redis: redis.get(name))
        return found

    async def _ask(self, shared: SharedRedis, command: Callable[[Redis], Awaitable[Any]]) -> Any:
        """What Redis answers; None if it does not, or is not asked."""
        from redis.exceptions import RedisError  # noqa: PLC0415 - imported already where there is a Redis

        try:
            with self.breaker.call():
                async with asyncio.timeout(_SECONDS):
                    return await command(shared.client)
        except ServiceUnavailableError:
            return None
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("the cache goes without Redis", trouble=type(error).__name__)
            return None


def _name(cached: Cached[T], key: str) -> str:
    return f"cache:{cached.name}:{key}"
