# Owned by the template.
"""Other people's services: one client with one pool for each process, behind a breaker (CL001…CL007)."""

from ._breaker import Breaker, BreakerState, ServiceError, ServiceUnavailableError
from ._cache import Cache, Cached
from ._client import Answer, Client, ServiceRefusedError
from ._clients import Clients
from ._redis import SharedRedis

__all__ = [
    "Answer",
    "Breaker",
    "BreakerState",
    "Cache",
    "Cached",
    "Client",
    "Clients",
    "ServiceError",
    "ServiceRefusedError",
    "ServiceUnavailableError",
    "SharedRedis",
]
