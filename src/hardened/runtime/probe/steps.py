"""Section `steps`: the functions that run before a route that answers GET has answered."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Iterator
from typing import Any

from ._routing import Mount, Route, entries, served
from ._world import NOWHERE, World, unwrapped

_REST = "/(.*)$"


def gather(world: World) -> list[dict[str, Any]]:
    """The routes in the order in which they answer, those of mounted applications in the place of the mount."""
    made: dict[int, dict[str, Any]] = {}

    def step(call: Any) -> dict[str, Any]:
        if id(call) not in made:
            made[id(call)] = _step(call, world)
        return made[id(call)]

    return [
        {"pattern": pattern, "steps": [step(each) for each in calls]}
        for pattern, calls in _answering(served(world).routes, "")
    ]


def _answering(routes: Any, above: str) -> Iterator[Any]:
    for entry in entries(routes):
        original = entry.original_route
        if not isinstance(original, (Mount, Route)):
            continue
        # Names go: a prefix and a path below it may use one name for two parameters.
        pattern = above + re.sub(r"\(\?P<\w+>", "(", entry.path_regex.pattern.removeprefix("^"))
        if isinstance(original, Mount):
            yield from _answering(getattr(entry, "routes", None) or [], pattern.removesuffix(_REST))
        elif "GET" in (entry.methods or {"GET"}):
            dependant = getattr(entry, "dependant", None)
            calls = [entry.endpoint, *(_below(dependant) if dependant is not None else ())]
            # One call object may be named by several dependencies, and runs once.
            yield pattern, list({id(each): each for each in calls}.values())


def _below(dependant: Any) -> Iterator[Any]:
    for each in dependant.dependencies:
        yield from _below(each)
        if each.call is not None:
            yield each.call


def _step(call: Any, world: World) -> dict[str, Any]:
    function = unwrapped(call)
    runs = function if inspect.isroutine(function) or isinstance(function, type) else type(function).__call__
    waits = inspect.iscoroutinefunction(runs) or inspect.isasyncgenfunction(runs)
    return {
        "name": getattr(function, "__name__", type(function).__name__),
        "threaded": not waits,
        "types": list(_types(runs)),
        "location": world.location_of(runs) if hasattr(runs, "__code__") else NOWHERE,
    }


def _types(function: Any) -> Iterator[str]:
    """Dotted names of the classes in a function's annotations."""
    try:
        hints = typing.get_type_hints(function)
    except Exception:  # a name that only type checkers see
        return
    pending = list(hints.values())
    while pending:
        each = pending.pop()
        pending += typing.get_args(each)
        if isinstance(each, type):
            yield f"{each.__module__}.{each.__qualname__}"
