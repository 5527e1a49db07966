"""Section `numbers`: the whole numbers in the settings that are loaded."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from itertools import compress
from typing import Any

from ._world import World

#: Models within models that are looked into.
_DEPTH = 3


def gather(world: World) -> list[dict[str, Any]]:
    """The numbers of every settings object that the project has made, each as the record `Setting`; none is made here."""
    base = getattr(sys.modules.get("pydantic_settings"), "BaseSettings", None)
    if base is None:
        return []
    kinds = set(_below(base))
    found: dict[tuple[str, str, int], dict[str, Any]] = {}
    # By type, since a proxy would do something when it is asked for its class. There are half a million objects.
    objects = gc.get_objects()
    for each in list(compress(objects, map(kinds.__contains__, map(type, objects)))):
        for owner, path, value in _numbers(each, (), 0):
            name = ".".join(path)
            number = {"name": name, "value": value, "location": world.declared(owner, path[-1])}
            found.setdefault((type(each).__qualname__, name, value), number)
    return list(found.values())


def _below(base: type) -> Iterator[type]:
    kinds: list[type] = type.__subclasses__(base)
    for kind in kinds:
        yield kind
        yield from _below(kind)


def _numbers(model: Any, above: tuple[str, ...], depth: int) -> Iterator[tuple[type, tuple[str, ...], int]]:
    for name in type(model).model_fields:
        value = vars(model).get(name)
        if type(value) is int:
            yield type(model), (*above, name), value
        elif depth < _DEPTH and hasattr(type(value), "model_fields"):
            yield from _numbers(value, (*above, name), depth + 1)
