# Owned by the template.
"""The base of a client of another service: stated version, little time, behind a breaker, reads that degrade."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar, cast

import structlog
from pydantic import JsonValue, SecretStr, TypeAdapter, ValidationError

from ._breaker import Breaker, BreakerState, ServiceError

if TYPE_CHECKING:
    from ._transport import Transport

__all__ = ["Answer", "Client", "ServiceRefusedError"]

T = TypeVar("T")

_TEMPORARY: Final = frozenset({408, 425, 429})
_PAUSE_SECONDS: Final = 0.1

log = structlog.get_logger(__name__)


class ServiceRefusedError(ServiceError):
    """The service answered, and would answer the same again: it is the request that is wrong."""


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What a read came to: the service's value, or the empty one and why."""

    value: T
    trouble: str | None = None


class Client:
    """A client of one service: a subclass has a method for each thing that the service is asked for.

    There is one of each in a process, which `runtime.clients[TheClient]` returns.

    Attributes:
        name: what it is called in `SERVICE_URLS__<NAME>`, errors, logs and metrics, in lower case.
        version: the version of the API that it is written for, such as "v1"; sent with every request (CL002).
        version_header: the header that says the version; without one it is the first part of the path.
        seconds: how long one call may take, all tries and pauses included (CL003).
        tries: how often a read is tried within that time.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    version_header: ClassVar[str | None] = None
    seconds: ClassVar[float] = 2.0
    tries: ClassVar[int] = 2

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Raises TypeError where the name or the version is missing.

        Failure: a client asked for the newest version first, and filled the log with 404 at every start (CL002).
        """
        super().__init_subclass__(**keywords)
        for what in ("name", "version"):
            if not getattr(cls, what, ""):
                raise TypeError(f"{cls.__name__} states no {what}: write `{what} = ...` into the class (CL002)")

    def __init__(self, address: SecretStr | None) -> None:
        """Connects to nothing (CL001); without an address every call fails at once."""
        self.breaker = Breaker(self.name)
        self._transport: Transport | None = None
        if address is not None:
            # A sixth of the application's import, which only who calls a service pays, and when it starts.
            from ._transport import Transport  # noqa: PLC0415

            base = address.get_secret_value().rstrip("/")
            if self.version_header is None:
                self._transport = Transport(self.name, f"{base}/{self.version}", {})
            else:
                self._transport = Transport(self.name, base, {self.version_header: self.version})

    @property
    def is_configured(self) -> bool:
        """False where `SERVICE_URLS` has no address for it."""
        return self._transport is not None

    async def read(
        self,
        path: str,
        kind: type[T],
        *,
        empty: T,
        method: str = "GET",
        body: JsonValue = None,
        query: dict[str, str | int] | None = None,
    ) -> Answer[T]:
        """Ask for something; whatever is wrong with the service, there is an answer, which says so (CL003).

        Args:
            path: below the version, such as `people/7`; quote what comes from people.
            kind: what the answer's JSON is validated as.
            empty: what the caller goes on with if there is none.
            method: one that changes nothing there, since it may be tried again.
            body: sent as JSON, if any.
            query: what stands behind the question mark.
        """
        try:
            return Answer(
                _adapter(cast("Any", kind)).validate_json(await self._call(method, path, body, query, {}, self.tries))
            )
        except ValidationError as error:
            trouble = f"{self.name} answered {error.error_count()} things that are not as {self.version} says (CL005)"
        except ServiceError as error:
            trouble = str(error)
        log.warning("read degraded to an empty answer", service=self.name, path=path, trouble=trouble)
        return Answer(empty, trouble)

    async def write(self, method: str, path: str, body: JsonValue, *, key: str) -> None:
        """Tell the service something, in one try; `deliver_later` keeps it until it has arrived.

        Args:
            method: such as "POST".
            path: below the version; quote what comes from people.
            body: sent as JSON.
            key: sent as `Idempotency-Key`: what arrives twice under one key is one thing.

        Raises:
            ServiceRefusedError: it was understood and refused.
            ServiceError: anything else; it may have arrived or not.
        """
        await self._call(method, path, body, None, {"Idempotency-Key": key}, 1)

    async def close(self) -> None:
        """Close all connections; the client can be used again afterwards."""
        if self._transport is not None:
            await self._transport.close()

    async def _call(
        self,
        method: str,
        path: str,
        body: JsonValue,
        query: dict[str, str | int] | None,
        headers: dict[str, str],
        tries: int,
    ) -> bytes:
        transport, clock = self._transport, asyncio.get_running_loop().time
        if transport is None:
            raise ServiceError(f"{self.name} has no address: set SERVICE_URLS__{self.name.upper()}")
        until = clock() + self.seconds
        request_id = structlog.contextvars.get_contextvars().get("request_id")
        if request_id is not None:
            headers = {**headers, "X-Request-ID": request_id}
        number = 1
        while True:
            try:
                return await self._try(transport, method, path, body=body, query=query, headers=headers, until=until)
            except ServiceRefusedError:
                raise
            except ServiceError:
                pause = _PAUSE_SECONDS * number * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, not a secret
                if number == tries or self.breaker.state is not BreakerState.CLOSED or clock() + pause >= until:
                    raise
            number += 1
            await asyncio.sleep(pause)

    async def _try(self, transport: Transport, method: str, path: str, **options: Any) -> bytes:
        # Each try counts: a breaker does not see a storm of retries that it counts as one call (CL003).
        with self.breaker.call():
            try:
                response = await transport.send(method, path, **options)
            except TimeoutError:
                raise ServiceError(f"{self.name} did not answer within {self.seconds:g} s (CL003)") from None
            status = response.status_code
            if status >= 500 or status in _TEMPORARY:
                raise ServiceError(f"{self.name} answered {status}")
        if not response.is_success:
            raise ServiceRefusedError(f"{self.name} answered {status} to {method} {path}")
        return response.content


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
