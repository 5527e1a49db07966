# Owned by the template.
"""A circuit breaker: a service that fails is left alone for a while, then asked once (CL003)."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from types import TracebackType

import structlog

__all__ = ["Breaker", "BreakerState", "ServiceError", "ServiceUnavailableError"]

log = structlog.get_logger(__name__)


class ServiceError(Exception):
    """Another service did not do what it was asked; the message says which one and why."""


class ServiceUnavailableError(ServiceError):
    """The service was not asked, because it failed so often; `seconds` is when it may be asked again."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(f"{name} failed several times in a row and is asked again in {seconds:.0f} s (CL003)")
        self.seconds = seconds


class BreakerState(StrEnum):
    """Closed: calls pass. Open: none does. Half open: one is on trial, or the next one will be."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker:
    """Counts what becomes of the calls to one service; for threads and coroutines alike.

    Failure: the libraries for this let 20 of 20 waiting calls through when the time was up, onto a service that had
    just come back. Here the trial is one call, and its slot is free again however that call ends.

    Args:
        name: what the service is called in errors, logs and metrics.
        failures: after so many in a row it opens.
        seconds: for so long it stays open; a trial that lasts longer makes room for the next.
        clock: what the time is read from, in seconds.
    """

    def __init__(
        self, name: str, *, failures: int = 5, seconds: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self.failures = failures
        self.seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._state = BreakerState.CLOSED
        self._since = 0.0
        self._in_a_row = 0
        self._era = 0

    @property
    def state(self) -> BreakerState:
        """What the next call will meet."""
        with self._lock:
            over = self._state is BreakerState.OPEN and self._clock() >= self._since + self.seconds
            return BreakerState.HALF_OPEN if over else self._state

    def call(self) -> BreakerCall:
        """`with breaker.call(): ...` around one attempt, which fails if the block raises an `Exception`.

        What ends a block without being one, such as a cancellation, says nothing about the service.

        Raises:
            ServiceUnavailableError: on entering, while the breaker is open or somebody else is on trial.
        """
        return BreakerCall(self)

    def _enter(self) -> int:
        with self._lock:
            if self._state is not BreakerState.CLOSED:
                left = self._since + self.seconds - (now := self._clock())
                if left > 0:
                    raise ServiceUnavailableError(self.name, left)
                self._state, self._since = BreakerState.HALF_OPEN, now
                self._era += 1
            return self._era

    def _exit(self, era: int, failed: bool | None) -> None:
        with self._lock:
            # Begun before the breaker opened, or given up as a trial: its news is old, whichever it is.
            if era != self._era:
                return
            before = self._state
            if failed is None:
                if before is BreakerState.HALF_OPEN:
                    self._state, self._since = BreakerState.OPEN, -math.inf
                return
            self._in_a_row = self._in_a_row + 1 if failed else 0
            if not failed:
                self._state = BreakerState.CLOSED
            elif self._in_a_row >= self.failures:
                self._state, self._since = BreakerState.OPEN, self._clock()
                self._era += 1
            after, in_a_row = self._state, self._in_a_row
        if after is not before:
            log.warning("breaker changed", service=self.name, state=after.value, failures=in_a_row)


class BreakerCall:
    """One attempt, made by `Breaker.call` and entered once."""

    __slots__ = ("_breaker", "_era")

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker

    def __enter__(self) -> None:
        self._era = self._breaker._enter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._breaker._exit(self._era, None if kind and not issubclass(kind, Exception) else kind is not None)
