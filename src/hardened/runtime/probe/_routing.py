"""Shared reading of a routing table: its entries in order, the code behind them, and what FastAPI knows of each."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from typing import Any

from ._world import Absent, Unreadable, World


def library(module: str) -> Any:
    """A module of a library; None where the project has no such library, or one that has no such module."""
    try:
        return importlib.import_module(module)
    except Exception:
        return None


_starlette = library("starlette.routing")
Host: Any = getattr(_starlette, "Host", None)
Mount: Any = getattr(_starlette, "Mount", None)
Route: Any = getattr(_starlette, "Route", None)
WebSocketRoute: Any = getattr(_starlette, "WebSocketRoute", None)
iter_route_contexts: Any = getattr(library("fastapi.routing"), "iter_route_contexts", None)


def served(world: World) -> Any:
    """The application below the middleware around it.

    Raises:
        Absent: the configuration names no application, or Starlette is not installed.
        Unreadable: the application has no routes.
    """
    application = world.there("application")
    if Route is None:
        raise Absent("Starlette is not installed beside the project")
    inner = below_middleware(application)
    if inner is None:
        raise Unreadable(f"the application is {application!r}, which has no routes")
    return inner


def below_middleware(application: Any) -> Any:
    """The application that has the routes; None where none has."""
    around: list[Any] = []
    while not hasattr(application, "routes") and hasattr(application, "app"):
        if any(application is each for each in around):
            return None
        around.append(application)
        application = application.app
    return application if hasattr(application, "routes") else None


class _Entry:
    """A route that has everything itself, in the shape of FastAPI's `RouteContext`."""

    def __init__(self, route: Any) -> None:
        self.original_route = route

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original_route, name)


def entries(routes: Iterable[Any]) -> Iterator[Any]:
    """Each route with `original_route`, and with what the routers around it add to it.

    Why: FastAPI includes routers lazily, so that a loop over `app.routes` sees nothing below them. A FastAPI without
    `iter_route_contexts` is of a time in which including was copying, so there the table itself is whole.
    """
    return iter(iter_route_contexts(routes)) if iter_route_contexts else map(_Entry, routes)


def dependants(entry: Any) -> list[Any]:
    """FastAPI's model of an endpoint and of each of its dependencies, breadth first; nothing for a route of Starlette."""
    found = [each for each in [getattr(entry, "dependant", None)] if each is not None]
    for each in found:
        found += each.dependencies
    return found
