# Owned by the template.
"""Handlers that another one hides: the first that is registered wins, without a word (RT001)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Host, Mount, WebSocketRoute
from starlette.routing import Route as HttpRoute

from ..startup import StartupProblem, location_of

__all__ = ["route_problems"]

# One value for each converter, the most general first: the first one that a converter takes is answered by its own
# route and by more general ones, and not by narrower ones.
_VALUES: Final = ("zz/yy", "zz~yy", "7.25", "00000000-0000-4000-8000-00000000000a", "7", "2020-02-02", "zz", "ZZ")
_REST: Final = "/(.*)$"


@dataclass(frozen=True, eq=False)
class _Route:
    """A route as it answers: its pattern with all prefixes, and a path that it takes, if one is known."""

    kind: str
    methods: frozenset[str]
    path: str
    pattern: re.Pattern[str]
    witness: str | None
    endpoint: Any
    host: str
    within: tuple[int, ...]

    def __str__(self) -> str:
        name = getattr(self.endpoint, "__qualname__", type(self.endpoint).__qualname__)
        location = "" if self.kind == "mount" else location_of(self.endpoint)
        return f"{name} ({location})" if location else str(name)


def route_problems(routes: Sequence[BaseRoute]) -> Iterator[StartupProblem]:
    """Report each handler that an earlier one keeps from running: mounts, hosts, converters, trailing slashes included.

    Cost: each route is matched against each one before it.
    """
    table: list[_Route] = []
    _flatten(routes, table)
    hidden: set[int] = set()
    for position, later in enumerate(table):
        if not hidden.isdisjoint(later.within):
            continue
        for before, earlier in enumerate(table[:position]):
            if before not in later.within and (how := _collision(earlier, later)):
                hidden.add(position)
                yield _problem(earlier, later, how)
                break


def _problem(earlier: _Route, later: _Route, how: str) -> StartupProblem:
    methods = ", ".join(sorted(_common(earlier, later))) or later.kind
    subject = f"{methods} {later.path}"
    message = f"{subject}: {later} {how} {earlier} answers {earlier.path} first"
    hint = "give one of them another path, delete it, or register the more specific one first"
    return StartupProblem("RT001", message, hint, subject=subject)


def _flatten(
    routes: Sequence[BaseRoute],
    table: list[_Route],
    above: tuple[str, str, str | None] = ("", "", ""),
    host: str = "",
    within: tuple[int, ...] = (),
) -> None:
    """Append every route to the table, those below mounts and hosts too, in the order in which they answer."""
    prefix, pattern, witness = above
    for route in iter_route_contexts(routes):
        # The attributes of a context are those of the route that it stands for, and each kind has others.
        context: Any = route
        original = route.original_route
        if isinstance(original, Host):
            _flatten(context.routes, table, above, context.host, within)
            continue
        if not isinstance(original, (Mount, HttpRoute, WebSocketRoute)):
            continue
        mount = isinstance(original, Mount)
        # Without names: a prefix and a path below it may use one name for two parameters.
        here = pattern + re.sub(r"\(\?P<\w+>", "(", context.path_regex.pattern.removeprefix("^"))
        value = _witness(context.path_format or "", context.param_convertors)
        path = None if value is None or witness is None else witness + value
        kind = "mount" if mount else "http" if isinstance(original, HttpRoute) else "websocket"
        methods = frozenset(getattr(context, "methods", None) or ()) if kind == "http" else frozenset()
        full, position = prefix + (context.path or ""), len(table)
        endpoint = context.app if mount else context.endpoint
        table.append(_Route(kind, methods, full, re.compile(here), path, endpoint, host, within))
        if mount:
            below = full, here.removesuffix(_REST), path and path.removesuffix(f"/{_VALUES[0]}")
            _flatten(context.routes, table, below, host, (*within, position))


def _witness(path_format: str, convertors: dict[str, Any]) -> str | None:
    """A path that the route takes; None where no known value fits a converter."""
    for name, convertor in convertors.items():
        value = next((value for value in _VALUES if re.fullmatch(convertor.regex, value)), None)
        if value is None:
            return None
        path_format = path_format.replace("{" + name + "}", value)
    return path_format


def _common(earlier: _Route, later: _Route) -> frozenset[str]:
    """The methods that both answer; none when both answer every method."""
    if earlier.methods and later.methods:
        return earlier.methods & later.methods
    return earlier.methods or later.methods


def _collision(earlier: _Route, later: _Route) -> str:
    """The effect of the earlier route on the later one; empty when both can be reached."""
    kinds = {earlier.kind, later.kind}
    if len(kinds) == 2 and "mount" not in kinds:
        return ""
    # What is mounted is files, mostly, and answers no websocket.
    if (earlier.kind, later.kind) == ("websocket", "mount") or earlier.host not in ("", later.host):
        return ""
    if earlier.methods and later.methods and not earlier.methods & later.methods:
        return ""
    same = earlier.endpoint is later.endpoint
    if earlier.pattern.pattern == later.pattern.pattern:
        return "is registered twice:" if same else "never runs:"
    if same or earlier.witness is None or later.witness is None:
        return ""
    if earlier.pattern.match(later.witness):
        return "never runs:"
    siblings = earlier.within == later.within and "mount" not in kinds
    if siblings and earlier.pattern.match(_toggled(later.witness)) and later.pattern.match(_toggled(earlier.witness)):
        return "differs by a trailing slash alone:"
    return ""


def _toggled(path: str) -> str:
    return path.removesuffix("/") if path.endswith("/") else path + "/"
