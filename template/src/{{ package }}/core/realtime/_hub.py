# Owned by the template.
"""Carries notices to the open sockets of their owners, across processes where there is a Redis."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import structlog

from ._stream import HISTORY, EventId, Stream, StreamError
from ._topics import Notice

__all__ = ["Hub", "Subscription"]

_MOST_PENDING: Final = 256
_MOST_READING: Final = 2
_RETRY_SECONDS: Final = 2.0
_FIRST_READ_SECONDS: Final = 1.0
_GAP: Final = Notice(0, "gap")
_NEVER: Final = EventId(2**63, 0)

log = structlog.get_logger(__name__)


class Subscription:
    """What one socket has still to be told: each thing once, however often it changed."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self.is_stale = False
        self._pending: dict[Notice, EventId] = {}

    def put(self, event: EventId, notice: Notice) -> None:
        """Remember one more, the newest last; when they are too many, the whole state is told instead."""
        self._pending.pop(notice, None)
        self._pending[notice] = event
        self.woken.set()
        if len(self._pending) > _MOST_PENDING:
            self.start_over()

    def start_over(self) -> None:
        """Tell the whole state next."""
        self._pending.clear()
        self.is_stale = True
        self.woken.set()

    def take(self) -> list[tuple[Notice, EventId]]:
        """What has been remembered, the oldest first; forgotten now."""
        taken = list(self._pending.items())
        self._pending.clear()
        self.is_stale = False
        self.woken.clear()
        return taken


class Hub:
    """One for each process; without a stream it reaches the sockets of this process alone."""

    def __init__(self, stream: Stream | None) -> None:
        """Connects to nothing (CL001)."""
        self.last = EventId(time.time_ns() // 1_000_000, 0)
        self.is_degraded = False
        self.reading = asyncio.Semaphore(_MOST_READING)
        self._stream = stream
        self._first = self.last
        self._history: deque[tuple[EventId, Notice]] = deque()
        self._subscriptions: defaultdict[int, set[Subscription]] = defaultdict(set)
        self._lost = False
        self._next_try = 0.0
        self._has_read = asyncio.Event()

    @contextmanager
    def subscribed(self, owner_id: int) -> Iterator[Subscription]:
        """Listen for this owner until the block ends."""
        mine = Subscription()
        self._subscriptions[owner_id].add(mine)
        try:
            yield mine
        finally:
            self._subscriptions[owner_id].discard(mine)
            if not self._subscriptions[owner_id]:
                del self._subscriptions[owner_id]

    def listening(self, owner_id: int) -> tuple[int, int]:
        """How many sockets this owner has here, and how many there are."""
        return len(self._subscriptions.get(owner_id, ())), sum(map(len, self._subscriptions.values()))

    async def ready(self) -> None:
        """Wait until it has read what was told before this process began; a second at the longest.

        Failure: after a restart all pages come back at once, and those that came before the stream had been read were
        each sent the whole state in place of what they had missed.
        """
        if self._stream is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_FIRST_READ_SECONDS):
                    await self._has_read.wait()

    def resume(self, mine: Subscription, owner_id: int, after: EventId) -> bool:
        """Give a subscription what its owner missed since; False if that is no longer known, or never was."""
        if not self._first <= after <= self.last:
            return False
        for event, notice in self._history:
            if event > after and notice.owner_id == owner_id:
                mine.put(event, notice)
        return not mine.is_stale

    async def publish(self, notices: Sequence[Notice]) -> None:
        """Tell of changes that are committed. It never fails, and waits half a second for Redis at the longest.

        While Redis is away one caller in two seconds tries it; the sockets of this process are told directly.
        """
        if self._stream is None:
            for notice in notices:
                self._keep(
                    EventId(max(self.last.milliseconds, time.time_ns() // 1_000_000), self.last.number + 1), notice
                )
            return
        now = time.monotonic()
        if not self._lost or now >= self._next_try:
            self._next_try = now + _RETRY_SECONDS
            try:
                await self._stream.add([_GAP, *notices] if self._lost else notices)
            except StreamError as error:
                log.warning("changes are not told to other processes: Redis is away", error=str(error))
            else:
                self._lost = False
                return
        self._lost = True
        for notice in notices:
            self._tell(self.last, notice)

    async def run(self) -> None:
        """Read what all processes publish, until cancelled. Ends at once without a stream."""
        while self._stream is not None:
            try:
                await self._catch_up(self._stream)
                self._has_read.set()
                while True:
                    for event, notice in await self._stream.after(self.last):
                        self._keep(event, notice)
            except StreamError as error:
                if not self.is_degraded:
                    log.warning("changes in other processes are not seen: Redis is away", error=str(error))
                self.is_degraded = True
                self._has_read.set()
                for mine in self._everybody():
                    mine.woken.set()
            except Exception:
                # A loop that ended would leave every socket silent, without a word.
                log.exception("realtime goes on after an error")
            await asyncio.sleep(_RETRY_SECONDS)

    async def _catch_up(self, stream: Stream) -> None:
        """Begin again from what the stream has: after an outage it may lack what was told before it."""
        kept = await stream.newest()
        self._history = deque(kept)
        self._first, self.last = (kept[0][0], kept[-1][0]) if kept else (_NEVER, EventId(0, 0))
        if self._lost:
            self._next_try = 0.0
            await self.publish(())
        self.is_degraded = False
        for mine in self._everybody():
            mine.start_over()

    def _everybody(self) -> Iterator[Subscription]:
        return itertools.chain.from_iterable(self._subscriptions.values())

    def _keep(self, event: EventId, notice: Notice) -> None:
        self.last = event
        if notice == _GAP:
            # Some process could not tell what it changed, and nobody knows what that was.
            self._history.clear()
            self._first = event
            for mine in self._everybody():
                mine.start_over()
            return
        self._first = min(self._first, event)
        self._history.append((event, notice))
        if len(self._history) > HISTORY:
            self._first = self._history.popleft()[0]
        self._tell(event, notice)

    def _tell(self, event: EventId, notice: Notice) -> None:
        for mine in self._subscriptions.get(notice.owner_id, ()):
            mine.put(event, notice)
