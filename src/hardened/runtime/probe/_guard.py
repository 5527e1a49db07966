"""Limits on what the project's modules may do to the process of the probe: end it, or never come to an end."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

leave = os._exit
_pid = os.getpid
_OWNER = _pid()
_SECRETS = re.compile(r"input_value=.*?(?=, input_type=)|(?<=://)[^\s/@]*:[^\s@]*(?=@)", re.DOTALL)
"""Values that a text of an error repeats: what pydantic refuses, the password in an address."""


class Ended(BaseException):
    """Raised in place of a call that would end the process."""


class TooLong(BaseException):
    """Raised in code that has used up its time. No Exception, since code that retries catches those."""


class Deadline:
    """The time that is left. No step gets more than half of it, so that one that hangs leaves some to all others."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Raise TooLong in the body after half of the time that is left. Without effect where there is no timer."""
        if not hasattr(signal, "setitimer"):
            yield
            return
        seconds = max(1.0, (self._end - time.monotonic()) / 2)

        def expired(*_: object) -> NoReturn:
            raise TooLong(f"has not come to its end after {seconds:.0f} s")

        signal.signal(signal.SIGALRM, expired)
        # Once more every second: a loop that catches everything goes on.
        signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def words(error: BaseException) -> str:
    """The text of an error whose class may be the project's own, and broken; values that may be secrets are left out."""
    try:
        return _SECRETS.sub("...", str(error))
    except BaseException:
        return ""


def refuse_to_end() -> None:
    """Let the calls that end or replace this process raise Ended, with a traceback that leads to the project's line."""

    def no_exit(status: int = 0) -> NoReturn:
        if _pid() != _OWNER:
            leave(status)
        raise Ended(f"os._exit({status!r})")

    def no_abort() -> NoReturn:
        raise Ended("os.abort()")

    os._exit = no_exit
    os.abort = no_abort
    sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "os.kill" and arguments[0] in (_OWNER, 0, -_OWNER) and arguments[1] and _pid() == _OWNER:
        raise Ended(f"os.kill(os.getpid(), {int(arguments[1])})")
    if event == "os.exec" and _pid() == _OWNER:
        raise Ended("os.exec()")
