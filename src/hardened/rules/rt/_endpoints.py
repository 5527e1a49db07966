"""The project's own endpoints, and their functions in the source."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence

from ...records.routes import CodeRef, Route
from ...source.call_graph import CallGraph, Function


def own_endpoints(routes: Iterable[Route], *, websockets: bool = False) -> list[Route]:
    """The endpoints of the project itself: not the documentation's, nor those that a library adds."""
    kinds = ("http", "websocket") if websockets else ("http",)
    return [each for each in routes if each.kind in kinds and _is_own(each.location.file)]


def _is_own(file: str | None) -> bool:
    return file is not None and not file.startswith("/") and "site-packages" not in file


def function_of(code: CodeRef, call_graph: CallGraph) -> Function | None:
    """The source of an endpoint or dependency; of a class, the method that makes its objects."""
    return call_graph.named(code.dotted) if code.kind == "class" else call_graph.at(code.body)


def fits(route: Route, entry: str) -> bool:
    """Decide whether an entry such as `GET /health/*` is that route."""
    methods, _, path = entry.partition(" ")
    own = (route.methods - {"HEAD"} or route.methods) if route.kind == "http" else {"WEBSOCKET"}
    allowed = set(methods.upper().split(","))
    return ("*" in allowed or own <= allowed) and fnmatch.fnmatchcase(route.path, path.strip())


def dotted(addresses: Mapping[str, CodeRef | None], names: Sequence[str]) -> set[str]:
    """The dotted names under which the things at these addresses are defined."""
    found = {name: addresses.get(name) for name in names}
    return {name.replace(":", ".") if code is None else code.dotted for name, code in found.items()}
