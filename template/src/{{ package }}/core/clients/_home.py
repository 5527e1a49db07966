# Owned by the template.
"""What belongs to one process and one event loop: made at first use, refused by name elsewhere."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["AtHome"]

T = TypeVar("T")


class AtHome(Generic[T]):
    """Makes one thing at first use and keeps it for the process and event loop of that moment.

    Failure: a connection made before a fork was used by both processes, and one got the other's answers; one used
    from a second event loop never answers.
    """

    def __init__(self, name: str, make: Callable[[], T]) -> None:
        """Makes nothing yet (CL001)."""
        self._name = name
        self._make = make
        self._made: tuple[tuple[int, asyncio.AbstractEventLoop], T] | None = None

    def get(self) -> T:
        """The one there is, or a new one.

        Raises:
            RuntimeError: it was made in another process or event loop.
        """
        home = (os.getpid(), asyncio.get_running_loop())
        if self._made is None:
            self._made = home, self._make()
        elif self._made[0] != home:
            raise RuntimeError(
                f"{self._name} belongs to another process or event loop: make one for each, after the fork, "
                "and keep one event loop for the life of a process"
            )
        return self._made[1]

    def peek(self) -> T | None:
        """The one there is, if it was made."""
        return None if self._made is None else self._made[1]

    def take(self) -> T | None:
        """The one there was, to be closed; the next `get` makes a new one."""
        made, self._made = self._made, None
        return None if made is None else made[1]
