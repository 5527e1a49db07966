# Owned by the template.
"""The process's one Redis client, with one pool of bounded size (CL004)."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, Final

from ._home import AtHome

if TYPE_CHECKING:
    from redis.asyncio import BlockingConnectionPool, Redis

    from ..settings import CoreSettings

__all__ = ["SharedRedis"]

_SECONDS: Final = 2.0


class SharedRedis:
    """The process's access to Redis: one client, made at first use, for one event loop."""

    def __init__(self, settings: CoreSettings) -> None:
        """Connects to nothing (CL001).

        Raises:
            ValueError: `REDIS_URL` is not set.
        """
        if settings.redis_url is None:
            raise ValueError("there is no Redis without REDIS_URL: set it to redis://:password@host:6379/0")
        # A third of the application's import: only who has a Redis pays it, and not in a request.
        importlib.import_module("redis.asyncio")
        self._url = settings.redis_url.get_secret_value()
        self.size = settings.redis_pool_size
        self._client = AtHome("this Redis client", self._make)

    @property
    def client(self) -> Redis:
        """The client, for every use in this process and event loop.

        Failure: a client for each request ended in `Too many connections` (CL004). When all connections of the pool
        are in use, a command waits for two seconds and then raises `redis.ConnectionError`; a subscription keeps one
        for as long as it lasts.

        Raises:
            RuntimeError: it was made in another process or event loop.
        """
        return self._client.get()

    @property
    def in_use(self) -> int:
        """How many connections of the pool are with somebody now."""
        client = self._client.peek()
        return 0 if client is None else len(client.connection_pool._in_use_connections)

    async def trouble(self, seconds: float) -> str | None:
        """Why Redis does not answer a PING within so many seconds; None if it does."""
        from redis.exceptions import RedisError  # noqa: PLC0415 - see __init__

        try:
            async with asyncio.timeout(seconds):
                await self.client.ping()
        except (RedisError, OSError, TimeoutError) as error:
            return f"does not answer: {type(error).__name__}"
        return None

    async def close(self) -> None:
        """Close all connections, those in use as well; the object can be used again afterwards."""
        client = self._client.take()
        if client is not None:
            await client.connection_pool.disconnect(inuse_connections=True)

    def _make(self) -> Redis:
        from redis.asyncio import BlockingConnectionPool, Redis  # noqa: PLC0415 - see __init__
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import ExponentialWithJitterBackoff  # noqa: PLC0415
        from redis.exceptions import ConnectionError as LostConnectionError  # noqa: PLC0415

        pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
            self._url,
            max_connections=self.size,
            timeout=_SECONDS,
            socket_timeout=_SECONDS,
            socket_connect_timeout=_SECONDS,
            health_check_interval=30,
            # The library's own ten retries are a storm. Once more finds a server that was started again, and
            # what takes too long is not asked twice. Price: a command whose answer was lost may run twice.
            retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.2), 1, (LostConnectionError,)),
        )
        return Redis(connection_pool=pool)
