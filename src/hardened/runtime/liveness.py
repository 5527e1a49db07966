"""Facts from the routes that say whether the process lives: what runs before such a route has answered."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.routing import Mount, Route

from ..model import NOWHERE, Location
from .contexts import contexts


@dataclass(frozen=True)
class Step:
    """A function that runs for a request, the route's own first.

    Attributes:
        name: of the function.
        threaded: whether it is no coroutine, so that it waits for a thread to run it.
        types: the classes that it is handed or gives, as dotted names.
        place: the first line of its code.
    """

    name: str
    threaded: bool
    types: tuple[str, ...]
    location: Location


def steps(application: object, path: str, root: Path) -> list[Step] | None:
    """What runs for `GET path`; None where the application has no such route."""
    inner: Any = application
    while not hasattr(inner, "routes") and hasattr(inner, "app"):
        inner = inner.app
    for route in contexts(getattr(inner, "routes", ())):
        original = route.original_route
        if isinstance(original, Mount) and (match := route.path_regex.match(path)) and hasattr(route.app, "routes"):
            below = steps(route.app, "/" + match.groupdict().get("path", ""), root)
            if below is not None:
                return below
        if isinstance(original, Route) and route.path_regex.match(path) and "GET" in (route.methods or {"GET"}):
            dependant = getattr(route, "dependant", None)
            calls = [route.endpoint, *(_below(dependant) if dependant is not None else ())]
            return [_step(each, root) for each in dict.fromkeys(calls)]
    return None


def _below(dependant: Any) -> Iterator[Any]:
    for each in dependant.dependencies:
        yield from _below(each)
        if each.call is not None:
            yield each.call


def _step(call: Any, root: Path) -> Step:
    function = call
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function)
    runs = function if inspect.isroutine(function) or isinstance(function, type) else type(function).__call__
    waits = inspect.iscoroutinefunction(runs) or inspect.isasyncgenfunction(runs)
    code = getattr(runs, "__code__", None)
    file = code.co_filename if code else ""
    location = Location.of(root, file, code.co_firstlineno) if code else NOWHERE
    name = getattr(function, "__name__", type(function).__name__)
    return Step(name, not waits, tuple(_types(runs)), location)


def _types(function: Any) -> Iterator[str]:
    try:
        hints = typing.get_type_hints(function)
    except Exception:  # noqa: BLE001 - a name that only type checkers see
        return
    pending = list(hints.values())
    while pending:
        each = pending.pop()
        pending += typing.get_args(each)
        if isinstance(each, type):
            yield f"{each.__module__}.{each.__qualname__}"
