"""Facts from the routing table, in the order in which routes answer.

It says so when it meets what it cannot see into.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute, Host, Mount, WebSocketRoute
from starlette.routing import Route as HttpRoute

from ..model import NOWHERE, CouldNotLook, Location
from ..records import Application, Route
from .contexts import contexts, shows_included

#: One value for each converter, most general first: the first one that a converter takes is one that
#: narrower converters do not, so a witness is answered by its own route and by more general ones.
VALUES = ("zz/yy", "zz~yy", "7.25", "00000000-0000-4000-8000-00000000000a", "7", "2020-02-02", "zz", "ZZ")
REST = "/(.*)$"


def gather(application: object, root: Path) -> tuple[list[Route], list[Application]]:
    """The routes in the order in which they answer, and the applications that have them, the served one first."""
    walk = _Walk(root)
    inner = walk.meet(application)
    if inner is None:
        raise CouldNotLook(f"the application is {application!r}, which has no routes")
    walk.over(inner.routes)
    if walk.opaque:
        older = "" if shows_included() else " of this FastAPI; 0.165 and newer show it"
        raise CouldNotLook(f"cannot see into {', '.join(sorted(walk.opaque))} in the routing table{older}")
    own = {"fastapi", "starlette"}
    if all(_module(route.endpoint) in own and route.kind != "mount" for route in walk.found):
        raise CouldNotLook("the application has no route of its own, so there is nothing to compare")
    return walk.found, walk.applications


class _Walk:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.found: list[Route] = []
        self.applications: list[Application] = []
        self.opaque: set[str] = set()

    def meet(self, application: Any, middleware: Iterable[Any] = (), within: tuple[int, ...] = ()) -> Any:
        """Note an application with what is around it; give the one inside that has the routes."""
        around = [(each.cls, _options(each.cls, each.args, each.kwargs)) for each in middleware]
        while not hasattr(application, "routes") and hasattr(application, "app"):
            around.append((type(application), vars(application)))  # a middleware around it
            application = application.app
        if not hasattr(application, "routes"):
            return None
        for each in getattr(application, "user_middleware", ()):
            around.append((each.cls, _options(each.cls, each.args, each.kwargs)))
        self.applications.append(Application(application, tuple(around), within))
        return application

    def over(
        self,
        routes: Sequence[BaseRoute],
        above: tuple[str, str, str] = ("", "", ""),
        host: str = "",
        within: tuple[int, ...] = (),
    ) -> None:
        shown, pattern, witness = above
        for route in contexts(routes):
            original = route.original_route
            if isinstance(original, Host):
                self.over(route.routes, above, route.host, within)
                continue
            if not isinstance(original, (Mount, HttpRoute, WebSocketRoute)):
                self.opaque.add(type(original).__name__)
                continue
            mount = isinstance(original, Mount)
            base = getattr(original, "_base_app", None)  # without the mount's own middleware
            endpoint = route.app if mount else route.endpoint
            # Names go: a prefix and a path below it may use one name for two parameters.
            here = pattern + re.sub(r"\(\?P<\w+>", "(", route.path_regex.pattern.removeprefix("^"))
            value = _witness(route.path_format or "", route.param_convertors)
            path = None if value is None or witness is None else witness + value
            position = len(self.found)
            kind = "mount" if mount else "http" if isinstance(original, HttpRoute) else "websocket"
            methods = frozenset(getattr(route, "methods", None) or ()) if kind == "http" else frozenset()
            name = getattr(endpoint, "__qualname__", type(endpoint).__qualname__)
            location = NOWHERE if mount else location_of(endpoint, self.root)
            full = shown + (route.path or "")
            self.found.append(
                Route(kind, methods, full, re.compile(here), path, endpoint, name, location, host, within, route)
            )
            if mount:
                prefix = path.removesuffix("/" + VALUES[0]) if path else ""
                self.meet(base or endpoint, (), (*within, position))
                below = (full, here.removesuffix(REST), prefix)
                self.over(route.routes, below, host, (*within, position))


def _options(cls: object, given: Sequence[object], named: Mapping[str, object]) -> dict[str, object]:
    """The options of a middleware under their names, those that are given by position too."""
    try:
        bound = inspect.signature(cls).bind(None, *given, **named)  # type: ignore[arg-type]  # a class or a function
    except (TypeError, ValueError):
        return dict(named)
    bound.apply_defaults()
    return dict(bound.arguments)


def _witness(path_format: str, convertors: dict[str, Any]) -> str | None:
    for name, convertor in convertors.items():
        fitting = [value for value in VALUES if re.fullmatch(convertor.regex, value)]
        if not fitting:
            return None
        path_format = path_format.replace("{" + name + "}", fitting[0])
    return path_format


def unwrapped(endpoint: Any) -> Any:
    """The function inside of partials, decorators and methods."""
    while True:
        if isinstance(endpoint, functools.partial):
            endpoint = endpoint.func
        elif hasattr(endpoint, "__wrapped__"):
            endpoint = endpoint.__wrapped__
        elif inspect.ismethod(endpoint):
            endpoint = endpoint.__func__
        else:
            return endpoint


def _module(endpoint: object) -> str:
    return str(getattr(unwrapped(endpoint), "__module__", "")).partition(".")[0]


def location_of(endpoint: object, root: Path) -> Location:
    """Where a function, class or object was written."""
    thing = unwrapped(endpoint)
    if not hasattr(thing, "__code__"):
        thing = thing if isinstance(thing, type) else type(thing)
    try:
        code = getattr(thing, "__code__", None)
        line = code.co_firstlineno if code else inspect.getsourcelines(thing)[1]
        return Location.of(root, inspect.getsourcefile(thing) or "", line)
    except (OSError, TypeError):
        return NOWHERE


def dependants(route: Route) -> Iterator[Any]:
    """What FastAPI knows of an endpoint and of each of its dependencies, all the way down; nothing of Starlette's."""
    pending = [getattr(route.context, "dependant", None)]
    while pending:
        dependant = pending.pop(0)
        if dependant is not None:
            yield dependant
            pending += dependant.dependencies
