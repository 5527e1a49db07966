"""Facts from what routes depend on: the functions with a `yield` that end after the response was sent."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute, Host, Mount

from ..model import CouldNotLook, DoesNotApply, Location
from ..records import Dependency
from .contexts import contexts


def late(application: object, root: Path) -> list[Dependency]:
    """Each of them once, in the order of the routes."""
    inner: Any = application
    while not hasattr(inner, "routes") and hasattr(inner, "app"):
        inner = inner.app  # a middleware around it
    if not hasattr(inner, "routes"):
        raise CouldNotLook(f"the application is {application!r}, which has no routes")
    found: dict[tuple[str, Location], Dependency] = {}
    seen: set[int] = set()
    for dependant in _dependants(inner.routes):
        for each in _below(dependant, seen):
            if not hasattr(each, "scope"):
                raise DoesNotApply("this FastAPI knows no scopes of dependencies")
            call = _plain(each.call)
            if each.scope != "function" and (inspect.isgeneratorfunction(call) or inspect.isasyncgenfunction(call)):
                code = call.__code__
                location = Location.of(root, code.co_filename, code.co_firstlineno)
                found.setdefault((call.__qualname__, location), Dependency(call.__qualname__, location))
    return list(found.values())


def _dependants(routes: Sequence[BaseRoute]) -> Iterator[Any]:
    for route in contexts(routes):
        if isinstance(route.original_route, (Mount, Host)):
            yield from _dependants(getattr(route, "routes", None) or [])
        # A socket has no response that could be early.
        elif getattr(route, "methods", None) and getattr(route, "dependant", None) is not None:
            yield route.dependant


def _below(dependant: Any, seen: set[int]) -> Iterator[Any]:
    if id(dependant) in seen:
        return
    seen.add(id(dependant))
    for each in dependant.dependencies:
        yield each
        yield from _below(each, seen)


def _plain(call: Any) -> Any:
    while isinstance(call, functools.partial):
        call = call.func
    call = inspect.unwrap(call)
    if not inspect.isroutine(call) and not isinstance(call, type):
        call = getattr(call, "__call__", call)  # noqa: B004 - an object that is called: its method is what runs
    return call.__func__ if inspect.ismethod(call) else call
