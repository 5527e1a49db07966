"""Reading of files that somebody else wrote: whatever they are, the answer is a text or an OSError."""

from __future__ import annotations

import os
from pathlib import Path

_MOST = 2_000_000
"""Bytes above which a file was not written by hand, and reading it would take a minute."""


def is_file(path: Path) -> bool:
    """Report whether a path leads to a file; a name that no file can have does not."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def real(path: Path) -> Path:
    """Follow the links of a path; a loop of links, and a name that no file can have, lead nowhere and raise nothing."""
    try:
        return Path(os.path.realpath(path))
    except ValueError:
        return path


def read_bytes(path: Path) -> bytes:
    """Read a file.

    Raises:
        OSError: it cannot be read, or it is too large.
    """
    if path.stat().st_size > _MOST:
        raise OSError(f"it has more than {_MOST // 1_000_000} MB")
    return path.read_bytes()


def read_text(path: Path) -> str:
    """Read a file as UTF-8, or as UTF-16 where its first bytes say so; bytes that are neither are replaced.

    Raises:
        OSError: it cannot be read, or it is too large.
    """
    content = read_bytes(path)
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return content.decode(encoding, errors="replace")


def whole_number(value: object) -> int | None:
    """The number that a value is or that its digits spell; None for everything else."""
    text = str(value).strip()
    return int(text) if len(text) < 10 and text.isascii() and text.isdigit() else None
