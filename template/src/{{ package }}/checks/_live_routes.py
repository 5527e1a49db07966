# Owned by the template.
"""Facts from the routing table, in the order in which routes answer.

FastAPI includes routers lazily: a loop over `app.routes` sees nothing below them and passes, so
this walks with `iter_route_contexts`, and says so when it meets what it cannot see into.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Host, Mount, WebSocketRoute
from starlette.routing import Route as HttpRoute

from ._facts import Route
from ._findings import NOWHERE, CouldNotLook, Place

#: One value for each converter, most general first: the first one that a converter takes is one that
#: narrower converters do not, so a witness is answered by its own route and by more general ones.
VALUES = ("zz/yy", "zz~yy", "7.25", "00000000-0000-4000-8000-00000000000a", "7", "2020-02-02", "zz", "ZZ")
REST = "/(.*)$"


def gather(application: object, root: Path) -> list[Route]:
    inner: Any = application
    while not hasattr(inner, "routes") and hasattr(inner, "app"):
        inner = inner.app  # a middleware around it
    if not hasattr(inner, "routes"):
        raise CouldNotLook(f"the application is {application!r}, which has no routes")
    walk = _Walk(root)
    walk.over(inner.routes)
    if walk.opaque:
        raise CouldNotLook(f"cannot see into {', '.join(sorted(walk.opaque))} in the routing table")
    own = {"fastapi", "starlette"}
    if all(_module(route.endpoint) in own and route.kind != "mount" for route in walk.found):
        raise CouldNotLook("the application has no route of its own, so there is nothing to compare")
    return walk.found


class _Walk:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.found: list[Route] = []
        self.opaque: set[str] = set()

    def over(
        self,
        routes: Sequence[BaseRoute],
        above: tuple[str, str, str] = ("", "", ""),
        host: str = "",
        within: tuple[int, ...] = (),
    ) -> None:
        shown, pattern, witness = above
        for route in iter_route_contexts(routes):
            original = route.original_route
            if isinstance(original, Host):
                self.over(route.routes, above, route.host, within)
                continue
            if not isinstance(original, (Mount, HttpRoute, WebSocketRoute)):
                self.opaque.add(type(original).__name__)
                continue
            mount = isinstance(original, Mount)
            endpoint = route.app if mount else route.endpoint
            # Names go: a prefix and a path below it may use one name for two parameters.
            here = pattern + re.sub(r"\(\?P<\w+>", "(", route.path_regex.pattern.removeprefix("^"))
            value = _witness(route.path_format or "", route.param_convertors)
            path = None if value is None or witness is None else witness + value
            position = len(self.found)
            kind = "mount" if mount else "http" if isinstance(original, HttpRoute) else "websocket"
            methods = frozenset(getattr(route, "methods", None) or ()) if kind == "http" else frozenset()
            name = getattr(endpoint, "__qualname__", type(endpoint).__qualname__)
            place = NOWHERE if mount else _place(endpoint, self.root)
            full = shown + (route.path or "")
            self.found.append(Route(kind, methods, full, re.compile(here), path, endpoint, name, place, host, within))
            if mount:
                prefix = path.removesuffix("/" + VALUES[0]) if path else ""
                below = (full, here.removesuffix(REST), prefix)
                self.over(route.routes, below, host, (*within, position))


def _witness(path_format: str, convertors: dict[str, Any]) -> str | None:
    for name, convertor in convertors.items():
        fitting = [value for value in VALUES if re.fullmatch(convertor.regex, value)]
        if not fitting:
            return None
        path_format = path_format.replace("{" + name + "}", fitting[0])
    return path_format


def _unwrapped(endpoint: Any) -> Any:
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
    return str(getattr(_unwrapped(endpoint), "__module__", "")).partition(".")[0]


def _place(endpoint: object, root: Path) -> Place:
    thing = _unwrapped(endpoint)
    if not hasattr(thing, "__code__"):
        thing = thing if isinstance(thing, type) else type(thing)
    try:
        code = getattr(thing, "__code__", None)
        line = code.co_firstlineno if code else inspect.getsourcelines(thing)[1]
        return Place.of(root, inspect.getsourcefile(thing) or "", line)
    except (OSError, TypeError):
        return NOWHERE
