# Owned by the template.
"""The process's clients of other services, its cache, and the states of their breakers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar, cast

from ._breaker import BreakerState
from ._cache import Cache
from ._client import Client
from ._redis import SharedRedis

if TYPE_CHECKING:
    from ..settings import CoreSettings

__all__ = ["Clients"]

C = TypeVar("C", bound=Client)


class Clients:
    """One client of each kind, one Redis and one cache for each process."""

    def __init__(self, settings: CoreSettings, kinds: Iterable[type[Client]]) -> None:
        """Connects to nothing (CL001).

        Raises:
            ValueError: two clients have one name, or `SERVICE_URLS` has an address that none of them reads.
        """
        self.redis = None if settings.redis_url is None else SharedRedis(settings)
        self.cache = Cache(self.redis)
        self._made: dict[str, Client] = {}
        for kind in kinds:
            if kind.name in self._made:
                raise ValueError(f"two clients are named {kind.name!r}: rename one of them")
            self._made[kind.name] = kind(settings.service_urls.get(kind.name))
        # Failure: a setting that nobody read was believed to be at work (CL003).
        unread = sorted(settings.service_urls.keys() - self._made.keys())
        if unread:
            known = ", ".join(sorted(self._made)) or "none"
            raise ValueError(
                f"SERVICE_URLS has {', '.join(unread)}, and no feature such a client; there are: {known} (CL003)"
            )

    def __getitem__(self, kind: type[C]) -> C:
        """The client of this kind; raises LookupError where no feature lists it as one of its `clients`."""
        return cast("C", self.named(kind.name))

    def named(self, name: str) -> Client:
        """The client of this name; raises LookupError."""
        try:
            return self._made[name]
        except KeyError:
            raise LookupError(f"no feature lists a client {name!r}: give its Feature `clients=(...,)`") from None

    def breakers(self) -> dict[str, BreakerState]:
        """The state of each breaker, by the name of its service; "redis" is the cache's."""
        states = {name: client.breaker.state for name, client in self._made.items()}
        return states if self.redis is None else {**states, "redis": self.cache.breaker.state}

    async def close(self) -> None:
        """Close all connections of the process; they are made again if there is use for them."""
        for client in self._made.values():
            await client.close()
        if self.redis is not None:
            await self.redis.close()
