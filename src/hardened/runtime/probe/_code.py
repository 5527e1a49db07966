"""References to functions, classes and objects."""

from __future__ import annotations

from typing import Any

from ._world import NOWHERE, World, unwrapped


def name_of(thing: Any) -> str:
    """Qualified name; of an object, that of its type."""
    return str(getattr(thing, "__qualname__", "") or type(thing).__qualname__)


def dotted(thing: Any) -> str:
    """Qualified name with the module in front of it."""
    module = getattr(thing, "__module__", None) or ""
    return name_of(thing) if module in ("", "builtins") else f"{module}.{name_of(thing)}"


class CodeRefs:
    """References to functions, classes and objects, each made once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._made: dict[int, dict[str, Any]] = {}
        self._kept: list[Any] = []  # an identity must not be given again to another object

    def of(self, thing: Any) -> dict[str, Any]:
        if id(thing) not in self._made:
            self._kept.append(thing)
            self._made[id(thing)] = self._make(thing)
        return self._made[id(thing)]

    def _make(self, thing: Any) -> dict[str, Any]:
        inner = unwrapped(thing)
        if isinstance(inner, type):
            kind, body = "class", NOWHERE
            location = self.world.class_line(inner)
        elif hasattr(inner, "__code__"):
            kind = "function"
            location = body = self.world.location_of(inner)
        else:
            kind = "object"
            location = self.world.class_line(type(inner))
            body = self.world.location_of(unwrapped(getattr(type(inner), "__call__", inner)))  # noqa: B004 - the method that runs
        return {
            "identity": id(thing),
            "name": name_of(thing),
            "dotted": dotted(inner),
            "kind": kind,
            "location": location,
            "body": body,
        }
