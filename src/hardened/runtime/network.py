"""Facts about connecting: nothing reaches the network while modules are imported, and who tried is known (CL001)."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from ..model import Location
from ..source.tree import Source

HERE = Path(__file__).resolve().parent
_WAITS = ("threading.py", "selectors.py", "queue.py", "_base.py", "base_events.py", "runners.py")
_LOOKS, _PAUSE = 50, 0.01


class Attempt(NamedTuple):
    """Somebody tried to connect: whereto, the project's innermost line, and what was going on."""

    target: str
    location: Location
    during: str


class OfflineError(ConnectionRefusedError):
    """What is met instead of the network."""


class Insisted(BaseException):
    """Tried again what had failed a moment ago. No error, since what retries catches those, and waits in between."""


class Network:
    """Blocks connections, and keeps who tried. Datagrams and addresses written in numbers reach nobody by themselves."""

    def __init__(self, source: Source) -> None:
        self.attempts: list[Attempt] = []
        self.during = ""
        self._source = source
        self._tries: Counter[tuple[Location, str]] = Counter()

    @contextmanager
    def blocked(self) -> Iterator[None]:
        """Within, no socket connects and no name is looked up; afterwards all is as before."""
        look_up = socket.getaddrinfo

        def no_look_up(host: Any, *arguments: Any, **options: Any) -> Any:
            name = host.decode(errors="replace") if isinstance(host, bytes) else host
            if name and name != socket.gethostname() and not _numeric(name):
                port = arguments[0] if arguments else options.get("port")
                self._tried(f"{name}:{port}" if port else str(name))
            return look_up(host, *arguments, **options)

        def without(connect: Callable[..., Any]) -> Callable[..., Any]:
            def no_connection(this: socket.socket, address: Any) -> Any:
                if this.type != socket.SOCK_DGRAM:
                    parts = address[:2] if isinstance(address, tuple) else (os.fsdecode(address),)
                    self._tried(":".join(map(str, parts)))
                return connect(this, address)

            return no_connection

        methods = ("connect", "connect_ex")
        own = {name: vars(socket.socket)[name] for name in methods if name in vars(socket.socket)}
        socket.getaddrinfo = no_look_up
        for name in methods:
            setattr(socket.socket, name, without(getattr(socket.socket, name)))
        try:
            yield
        finally:
            socket.getaddrinfo = look_up
            for name in methods:
                # As a rule they are the C class's, and to be as before is to have none here.
                setattr(socket.socket, name, own[name]) if name in own else delattr(socket.socket, name)

    def to_blame(self, error: BaseException) -> bool:
        """Whether an error comes of a connection that is not there, and that is known already."""
        pending: list[BaseException | None] = [error]
        seen: list[BaseException] = []
        while pending:
            each = pending.pop()
            if each is not None and each not in seen:
                seen.append(each)
                pending += [each.__cause__, each.__context__]
        return bool(self.attempts) and any(isinstance(each, (OfflineError, Insisted)) for each in seen)

    def _tried(self, target: str) -> None:
        location = self._culprit()
        if location is not None:
            self._tries[location, target] += 1
            if self._tries[location, target] == 1:
                self.attempts.append(Attempt(target, location, self.during))
            else:
                raise Insisted(f"connects to {target} once more while nothing is to connect")
        raise OfflineError(f"no connection to {target}: nothing is to connect while the check imports and describes")

    def _culprit(self) -> Location | None:
        """The project's line that leads here; of a thread, the line that waits for it."""
        own: FrameType | None = sys._getframe(1)
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

    def _line(self, frame: FrameType | None) -> Location | None:
        while frame is not None:
            path = Path(frame.f_code.co_filename)
            location = self._source.location(path, frame.f_lineno)
            if location.file in self._source.files and not path.resolve().is_relative_to(HERE):
                return location
            frame = frame.f_back
        return None

    def _waiting(self, frame: FrameType | None) -> Location | None:
        """The project's line that waits for what other threads or an event loop do, and is not just starting one."""
        waits = False
        while frame is not None and frame.f_code is not threading.Thread.start.__code__:
            waits = waits or Path(frame.f_code.co_filename).name in _WAITS
            if self._source.location(frame.f_code.co_filename).file in self._source.files:
                return self._line(frame) if waits else None
            frame = frame.f_back
        return None


def _numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
