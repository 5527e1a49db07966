"""Blocked network: while the project is imported nothing connects, and each attempt is recorded (CL001).

Audit hooks, not replaced functions: `socket.getaddrinfo` bound to a name, `_socket.socket` and the methods of event loops
all pass them. Clients that connect in C (libpq, libuv) do not.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
import threading
import time
from collections import Counter
from types import FrameType
from typing import Any

from ._places import Place
from ._world import World

_WAITS = ("threading.py", "selectors.py", "queue.py", "_base.py", "base_events.py", "runners.py")
_LOOKS, _PAUSE = 50, 0.01
_LOOK_UPS = ("socket.getaddrinfo", "socket.gethostbyname")


class OfflineError(ConnectionRefusedError):
    """Raised in place of a connection."""


class Insisted(BaseException):
    """Raised at the second attempt at one line. No Exception, since code that retries catches those and waits in between."""


class Network:
    """Block on connections. Datagrams and numeric addresses that are only looked up reach nobody."""

    def __init__(self, world: World) -> None:
        self.blames = False
        self._world = world
        self._host = socket.gethostname()
        self._tries: Counter[tuple[Place, str]] = Counter()
        sys.addaudithook(self._audit)

    def to_blame(self, error: BaseException) -> bool:
        """Report whether an error comes of a connection that is missing and recorded already."""
        pending: list[BaseException | None] = [error]
        seen: list[BaseException] = []
        while pending:
            each = pending.pop()
            if each is not None and not any(each is other for other in seen):
                seen.append(each)
                pending += [each.__cause__, each.__context__]
        return self.blames and any(isinstance(each, (OfflineError, Insisted)) for each in seen)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            this, address = arguments
            if this.type != socket.SOCK_DGRAM:
                parts = address[:2] if isinstance(address, tuple) else (os.fsdecode(address),)
                self._refuse(":".join(map(str, parts)))
        elif event in _LOOK_UPS:
            host, port = arguments[0], arguments[1] if len(arguments) > 1 else None
            name = host.decode(errors="replace") if isinstance(host, bytes) else host
            if name and name != self._host and not _is_numeric(name):
                self._refuse(f"{name}:{port}" if port else str(name))

    def _refuse(self, target: str) -> None:
        during = self._world.during
        place = self._culprit() if during else None
        if place is not None:
            self._tries[place, target] += 1
            if self._tries[place, target] > 1:
                raise Insisted(f"connects to {target} once more while nothing is to connect")
            self.blames = True
            self._world.journal.write("attempt", {"target": target, "location": place, "during": during})
        raise OfflineError(f"no connection to {target}: nothing is to connect while the check imports and describes")

    def _culprit(self) -> Place | None:
        """The project's line that leads here; for a thread, the line that waits for it."""
        own = sys._getframe(1)
        main = threading.main_thread()
        if threading.current_thread() is main:
            return self._line(own)
        # A client that connects in the background, such as a pool's thread, holds nobody up.
        for _ in range(_LOOKS):
            waiting = self._waiting(sys._current_frames().get(main.ident or 0))
            if waiting is not None:
                return self._line(own) or waiting
            time.sleep(_PAUSE)
        return None

    def _line(self, frame: FrameType | None) -> Place | None:
        while frame is not None:
            if self._world.is_source(frame.f_code.co_filename):
                return self._world.place(frame.f_code.co_filename, frame.f_lineno)
            frame = frame.f_back
        return None

    def _waiting(self, frame: FrameType | None) -> Place | None:
        """The project's line that waits for other threads or an event loop, and is not just starting one."""
        waits = False
        while frame is not None and frame.f_code is not threading.Thread.start.__code__:
            waits = waits or os.path.basename(frame.f_code.co_filename) in _WAITS
            if self._world.is_source(frame.f_code.co_filename):
                return self._line(frame) if waits else None
            frame = frame.f_back
        return None


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
