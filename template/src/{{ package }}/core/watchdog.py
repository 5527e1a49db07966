# Owned by the template.
"""Names what blocks the event loop, on a developer's machine and in tests: everybody else's request waits for it."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

__all__ = ["watch_event_loop"]

_BEAT_SECONDS: Final = 0.1
_FRAMES: Final = 6

log = structlog.get_logger(__name__)


@asynccontextmanager
async def watch_event_loop(longest: float = 0.5) -> AsyncIterator[None]:
    """Log where the event loop stands when it has not turned for `longest` seconds."""
    loop, owner = asyncio.get_running_loop(), threading.get_ident()
    turned, stopped = threading.Event(), threading.Event()

    def watch() -> None:
        while not stopped.wait(_BEAT_SECONDS):
            turned.clear()
            loop.call_soon_threadsafe(turned.set)
            if turned.wait(longest) or stopped.is_set():
                continue
            stack = traceback.extract_stack(sys._current_frames().get(owner))[-_FRAMES:]
            log.warning(
                "the event loop is blocked: move this into `await in_thread(...)` or a plain `def` dependency",
                seconds=longest,
                where=[f"{each.filename}:{each.lineno} {each.name}" for each in stack],
            )
            turned.wait()

    thread = threading.Thread(target=watch, name="event-loop-watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        turned.set()
        await asyncio.to_thread(thread.join, 1.0)
