"""Facts from settings that are loaded: the whole numbers in them, by their names."""

from __future__ import annotations

import functools
import gc
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..model import NOWHERE, Location, belongs
from ..records import Setting


def gather(root: Path) -> list[Setting]:
    """The numbers of every settings object of the project that there is; no settings are loaded for this."""
    module = sys.modules.get("pydantic_settings")
    base = getattr(module, "BaseSettings", None)
    if base is None:
        return []
    found: dict[tuple[str, str, int], Setting] = {}
    # By type, since a proxy would do something when it is asked for its class.
    for each in [each for each in gc.get_objects() if issubclass(type(each), base)]:
        for owner, path, value in _numbers(each, (), 0):
            location = functools.partial(_line, owner, path[-1], root)
            found.setdefault((type(each).__qualname__, ".".join(path), value), Setting(".".join(path), value, location))
    return list(found.values())


def _numbers(model: Any, above: tuple[str, ...], deep: int) -> Iterator[tuple[type, tuple[str, ...], int]]:
    for name in type(model).model_fields:
        value = vars(model).get(name)
        if type(value) is int:
            yield type(model), (*above, name), value
        elif deep < 3 and hasattr(type(value), "model_fields"):
            yield from _numbers(value, (*above, name), deep + 1)


def _line(owner: type, name: str, root: Path) -> Location:
    found = written(owner, rf"\s+{re.escape(name)}\s*[:=]")
    return next((Location.of(root, file, line) for file, line in found if belongs(root, file)), NOWHERE)


def written(owner: type, pattern: str) -> Iterator[tuple[str, int]]:
    """The lines of a class and of its bases that begin so: their files and numbers."""
    for each in owner.__mro__:
        try:
            lines, first = inspect.getsourcelines(each)
            file = inspect.getsourcefile(each) or ""
        except (OSError, TypeError):
            continue
        yield from ((file, number) for number, line in enumerate(lines, first) if re.match(pattern, line))
