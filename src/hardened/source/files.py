"""Python files."""

from __future__ import annotations

import ast
import importlib.util
import os
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from .limits import BYTES
from .nodes import statements, walk

T = TypeVar("T")


@dataclass(frozen=True)
class Broken:
    """Error for which a file does not compile, and its line."""

    error: str
    line: int | None = None


class File:
    """One Python file, read when it is first asked for.

    Attributes:
        path: its path from the root.
        left_out: why no rule reads it, though it may compile; empty where it is read.
    """

    def __init__(self, path: str, real: Path) -> None:
        self.path = path
        self.left_out = ""
        self._real = real

    def leave_out(self, reason: str) -> None:
        self.left_out = self.left_out or reason

    @property
    def content(self) -> bytes:
        """Its bytes; none where it cannot be read, or is larger than what is read."""
        try:
            if self._real.stat().st_size > BYTES:
                self.leave_out(f"is larger than {BYTES:,} bytes")
                return b""
            return self._real.read_bytes()
        except (OSError, RuntimeError) as error:
            self.leave_out(f"cannot be read: {getattr(error, 'strerror', None) or error}")
            return b""

    def line(self, number: int) -> str:
        """The text of a line; "" where the file has changed and has no such line any more."""
        lines = self.content.splitlines()
        return lines[number - 1].decode(errors="replace") if number <= len(lines) else ""

    @property
    def tree(self) -> ast.Module | None:
        """Its syntax tree; None where it cannot be parsed, or is left out."""
        return self._parsed if isinstance(self._parsed, ast.Module) and not self.left_out else None

    @property
    def is_parsed(self) -> bool:
        """It can be parsed, and is not left out.

        Why: of most tests nothing else is asked. What compiles can be parsed, and that takes half the time.
        """
        if "_parsed" not in vars(self) and (self.content or not self.left_out) and self.broken is None:
            return not self.left_out
        return self.tree is not None

    @cached_property
    def tried_imports(self) -> tuple[range, ...]:
        """The lines in a `try` or `with` that handles a failing import."""
        found: list[range] = []
        for node in statements(self.tree.body if self.tree else ()):
            handled: list[ast.expr] = []
            last: int | None = None
            if isinstance(node, ast.Try):
                handled, last = [each.type for each in node.handlers if each.type], node.body[-1].end_lineno
            elif isinstance(node, ast.With):
                handled = [each.context_expr for each in node.items if isinstance(each.context_expr, ast.Call)]
                last = node.end_lineno
            names = {each.id for one in handled for each in walk(one) if isinstance(each, ast.Name)}
            if names & {"ImportError", "ModuleNotFoundError"}:
                found.append(range(node.lineno, (last or node.lineno) + 1))
        return tuple(found)

    @cached_property
    def broken(self) -> Broken | None:
        """The error for which it does not compile; None where it does, or is left out."""
        content = b"" if _is_compiled(self._real) else self.content
        if not content or self.left_out:
            return None
        # Parsing alone lets through what only compiling refuses: a `return` outside a function. From the text it costs
        # half of what it does from a tree.
        made = _tried(lambda: compile(content, str(self._real), "exec", dont_inherit=True))
        return made if isinstance(made, Broken) else None

    @cached_property
    def _parsed(self) -> ast.Module | Broken:
        return _tried(lambda: ast.parse(self.content, str(self._real)))


def _tried(read: Callable[[], T]) -> T | Broken:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read()
    except SyntaxError as error:
        return Broken(error.msg or "invalid syntax", error.lineno)
    except (ValueError, RecursionError, MemoryError) as error:
        return Broken(str(error) or type(error).__name__)


def _is_compiled(path: Path) -> bool:
    """Return whether a cache of Python or of pytest has this very file compiled. Why: half of a run was compiling."""
    try:
        cache, status = Path(importlib.util.cache_from_source(str(path))), path.stat()
        wanted = importlib.util.MAGIC_NUMBER, 0, int(status.st_mtime) & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF
        if _header(cache) == wanted:
            return True
        # What pytest has compiled with assertions of its own is `test_x.cpython-311-pytest-9.2.0.pyc`.
        with os.scandir(cache.parent) as beside:
            others = [each.name for each in beside if each.name.startswith(f"{cache.stem}-pytest-")]
    except (OSError, NotImplementedError):
        return False
    return any(_header(cache.with_name(name)) == wanted for name in others)


def _header(cache: Path) -> tuple[bytes, int, int, int] | None:
    """The magic number, the flags, and the time and size of the source that a compiled file is of."""
    try:
        with cache.open("rb") as kept:
            return struct.Struct("<4sIII").unpack(kept.read(16))
    except (OSError, struct.error):
        return None
