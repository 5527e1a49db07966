"""Section `late_dependencies`: dependencies with a `yield` that end after the response was sent."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from ._routing import Host, Mount, dependants, entries, served
from ._world import Absent, World, unwrapped


def gather(world: World) -> list[dict[str, Any]]:
    """Each of them once, in the order of the routes."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for endpoint in _endpoints(served(world).routes):
        for each in dependants(endpoint)[1:]:
            if not hasattr(each, "scope"):
                raise Absent("this FastAPI knows no scopes of dependencies")
            call = _plain(each.call)
            if each.scope != "function" and (inspect.isgeneratorfunction(call) or inspect.isasyncgenfunction(call)):
                location = world.location_of(call)
                found.setdefault((call.__qualname__, str(location)), {"name": call.__qualname__, "location": location})
    return list(found.values())


def _endpoints(routes: Any) -> Iterator[Any]:
    """The entries that answer requests; a websocket has no response that could be early."""
    for entry in entries(routes):
        if isinstance(entry.original_route, (Mount, Host)):
            yield from _endpoints(getattr(entry, "routes", None) or [])
        elif getattr(entry, "methods", None):
            yield entry


def _plain(call: Any) -> Any:
    """The function that runs when a dependency is called."""
    call = unwrapped(call)
    if not inspect.isroutine(call) and not isinstance(call, type):
        call = unwrapped(getattr(call, "__call__", call))  # noqa: B004 - the method that runs
    return call
