# Owned by the template.
"""Hands jobs to the broker, beside the requests: no request ever waits for it (JB006)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from ..clients import BreakerState
from ..settings import CoreSettings, SettingsError
from ..tracing import trace_headers
from ._kinds import JobRegistry
from ._limits import HARD_SECONDS
from ._models import Job
from ._reconciler import NotHandedOnError

if TYPE_CHECKING:
    from ._celery import Message, Sender

__all__ = ["Relay"]

_PATIENCE: Final = timedelta(minutes=5)
_WAITING: Final = 10_000
_BATCH: Final = 100

log = structlog.get_logger(__name__)


class Relay:
    """Publishes the identifiers of committed jobs. The rows are the truth; what the broker loses costs a delay."""

    def __init__(self, settings: CoreSettings, kinds: JobRegistry) -> None:
        """Connects to nothing (CL001).

        Raises:
            SettingsError: a job may take longer than BROKER_VISIBILITY_SECONDS.
        """
        _refuse_early_redelivery(settings, kinds)
        # How long after it was published a job that nobody took is published once more, at first and at last.
        self.reserve = timedelta(seconds=settings.job_reserve_seconds)
        self.patience = _PATIENCE
        self._settings = settings
        self._kinds = kinds
        # Failure: a list that grows while the broker is away takes the memory. What falls out is found in its row.
        self._waiting: deque[Message] = deque(maxlen=_WAITING)
        self._wake = asyncio.Event()
        self._refused = False
        self._sender: Sender | None = None

    @property
    def state(self) -> BreakerState:
        """Open since the broker did not take what it was handed last: jobs wait for it, and are asked for all the same."""
        return BreakerState.OPEN if self._refused else BreakerState.CLOSED

    async def after_commit(self, row: Job) -> None:
        """Have a job published soon. It returns at once."""
        # Where it is published, its request is not the current one any more. What the reconciler hands on has no trace:
        # the row does not keep it.
        self._waiting.append((row, trace_headers()))
        self._wake.set()

    async def run(self) -> None:
        """Publish what has been committed, until cancelled."""
        await asyncio.to_thread(self._make)
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                messages = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
                try:
                    await self._send(messages)
                except NotHandedOnError as error:
                    # Their rows say that nobody took them: the reconciler hands them on when the broker is back.
                    log.warning("jobs wait for the broker", jobs=len(messages) + len(self._waiting), error=str(error))
                    self._waiting.clear()

    async def hand_on(self, rows: Sequence[Job]) -> None:
        """Publish jobs.

        Raises:
            NotHandedOnError: the broker did not take all of them.
        """
        await self._send([(row, {}) for row in rows])

    async def _send(self, messages: Sequence[Message]) -> None:
        if messages:
            # A client that blocks, in a thread: Celery has no other one.
            await asyncio.to_thread(self._publish, messages)

    async def close(self) -> None:
        """Close the connections; the object can be used again afterwards."""
        sender, self._sender = self._sender, None
        if sender is not None:
            await asyncio.to_thread(sender.close)

    def _make(self) -> Sender:
        # Half a second that only a process pays that has a broker.
        from ._celery import Sender  # noqa: PLC0415

        self._sender = self._sender or Sender(self._settings, self._kinds)
        return self._sender

    def _publish(self, messages: Sequence[Message]) -> None:
        try:
            self._make().publish(messages)
            self._refused = False
        except Exception as error:
            # Whatever the transport raises: each has errors of its own, and all of them mean the same here.
            self._refused = True
            raise NotHandedOnError(f"{type(error).__name__}: {error}") from error


def _refuse_early_redelivery(settings: CoreSettings, kinds: JobRegistry) -> None:
    longest = max(kinds, key=lambda kind: kind.timeout, default=None)
    if longest is None or longest.timeout + HARD_SECONDS < settings.broker_visibility_seconds:
        return
    raise SettingsError(
        f"BROKER_VISIBILITY_SECONDS={settings.broker_visibility_seconds} is not longer than the job {longest.name!r} "
        f"may take, {longest.timeout:g} s and {HARD_SECONDS:g} s to be stopped: the broker would hand it on a second "
        "time while it runs; raise the one or lower the other (JB011)"
    )
