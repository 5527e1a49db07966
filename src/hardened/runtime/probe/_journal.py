"""Journal of a run: one JSON object a line, written at once, so that a process that dies leaves what it had found."""

from __future__ import annotations

import json
import os
from typing import Any

# Bound before any module of the project can replace them.
_encode = json.JSONEncoder(ensure_ascii=False).encode
_write = os.write
_pid = os.getpid


class Journal:
    """Append-only file of events. Child processes of the project's modules cannot write to it."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._owner = _pid()

    def write(self, kind: str, value: Any) -> None:
        """Append one event.

        Raises:
            TypeError: the value is no JSON; nothing is written.
        """
        data = (_encode([kind, value]) + "\n").encode("utf-8", "replace")
        while data and _pid() == self._owner:
            data = data[_write(self._file, data) :]
