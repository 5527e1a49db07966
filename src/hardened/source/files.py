"""Python files, read when somebody asks."""

from __future__ import annotations

import ast
import importlib.util
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    pass

T = TypeVar("T")


@dataclass(frozen=True)
class Broken:
    """Why a file does not compile, and in which line."""

    error: str
    line: int | None = None


class File:
    """One Python file, read when somebody asks. `path` is its path from the root."""

    def __init__(self, path: str, real: Path) -> None:
        self.path = path
        self._real = real

    @cached_property
    def tree(self) -> ast.Module | None:
        """What is in it; None where it cannot be parsed."""
        return self._parsed if isinstance(self._parsed, ast.Module) else None

    @cached_property
    def broken(self) -> Broken | None:
        """Why it does not compile; None where it does."""
        if _is_compiled(self._real):
            return None
        # Parsing alone lets through what only compiling refuses: a `return` outside a function. From the text it costs
        # half of what it does from a tree.
        made = _tried(lambda: compile(self._real.read_bytes(), str(self._real), "exec", dont_inherit=True))
        return made if isinstance(made, Broken) else None

    @cached_property
    def _parsed(self) -> ast.Module | Broken:
        return _tried(lambda: ast.parse(self._real.read_bytes(), str(self._real)))


def _tried(read: Callable[[], T]) -> T | Broken:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read()
    except SyntaxError as error:
        return Broken(error.msg or "invalid syntax", error.lineno)
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        return Broken(str(error) or type(error).__name__)


def _is_compiled(path: Path) -> bool:
    """Whether what Python keeps of a module that it has compiled is of this very file: half of a run was compiling."""
    try:
        with Path(importlib.util.cache_from_source(str(path))).open("rb") as kept:
            magic, flags, made, size = struct.unpack("<4sIII", kept.read(16))
        status = path.stat()
    except (OSError, struct.error, NotImplementedError):
        return False
    now = int(status.st_mtime) & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF
    return magic == importlib.util.MAGIC_NUMBER and flags == 0 and (made, size) == now
