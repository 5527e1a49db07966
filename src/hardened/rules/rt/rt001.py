"""RT001: two handlers answer the same request, and the first one registered wins without a word."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from ...model import Finding, Rule
from ...records.routes import Route


class RT001(Rule):
    """Two handlers answer the same request, and the first one registered wins without a word.

    Two routers both served `POST /ingest/raw`; the real pipeline never ran, and nothing said so. The
    same holds for a literal path behind an earlier parametrised one (`/items/{id}` before
    `/items/me`, also when the parameter is annotated `int`: the path takes any text), for whatever
    lies behind a mount or a `{rest:path}`, for `{id}` against `{item_id}`, and for two handlers that
    only a trailing slash tells apart.

    Give one of the two another path, delete it, or register the specific one first. Quiet are: a
    specific path before a general one, other methods on one path, one function under two paths, and
    routers made by one factory under different prefixes.
    """

    def check(self, routes: Sequence[Route]) -> Iterator[Finding]:
        hidden: set[int] = set()
        index = _Index()
        for position, later in enumerate(routes):
            for before in index.candidates(later) if hidden.isdisjoint(later.within) else ():
                if before not in later.within and (how := _collision(routes[before], later)):
                    hidden.add(position)
                    yield self._report(routes[before], later, how)
                    break
            index.add(position, later)

    def _report(self, earlier: Route, later: Route, how: str) -> Finding:
        methods = ", ".join(sorted(_common(earlier, later))) or later.kind
        return self.finding(
            f"{methods} {later.path}: {later.name} ({later.location}) {how} "
            f"{earlier.name} ({earlier.location}) answers {earlier.path} first",
            later.location if later.location.file else earlier.location,
            f"{methods} {later.path}",
            hint="give one of them another path, delete it, or register the more specific one first",
        )


class _Index:
    """The routes so far, under the literal beginnings of their paths.

    Why: a route answers no path that does not begin as its own does, so that each is compared with a few, not with all.
    """

    def __init__(self) -> None:
        self._positions: dict[str, list[int]] = {}

    def add(self, position: int, route: Route) -> None:
        literal = itertools.takewhile(lambda each: "{" not in each, _segments(route.path))
        self._positions.setdefault("/".join(literal), []).append(position)

    def candidates(self, route: Route) -> list[int]:
        """The positions of routes that may answer what this one does, in order."""
        beginnings = ["", *itertools.accumulate(_segments(route.witness or route.path), "{}/{}".format)]
        return sorted(each for key in dict.fromkeys(beginnings) for each in self._positions.get(key, ()))


def _segments(path: str) -> list[str]:
    return path.strip("/").split("/")


def _common(earlier: Route, later: Route) -> frozenset[str]:
    """The methods that both answer; none when either answers every method."""
    if earlier.methods and later.methods:
        return earlier.methods & later.methods
    return earlier.methods or later.methods


def _collision(earlier: Route, later: Route) -> str:
    """Effect of the earlier route on the later one; empty when both can be reached."""
    if earlier.kind != later.kind and "mount" not in (earlier.kind, later.kind):
        return ""
    if earlier.kind == "websocket" and later.kind == "mount":  # files, mostly: it answers no websocket
        return ""
    if earlier.host not in ("", later.host):
        return ""
    if earlier.methods and later.methods and not earlier.methods & later.methods:
        return ""
    same = earlier.endpoint.identity == later.endpoint.identity
    if earlier.pattern == later.pattern:
        return "is registered twice:" if same else "never runs:"
    if same or earlier.witness is None or later.witness is None:
        return ""
    if earlier.regex.match(later.witness):
        return "never runs:"
    siblings = earlier.within == later.within and "mount" not in (earlier.kind, later.kind)
    if siblings and earlier.regex.match(_toggled(later.witness)) and later.regex.match(_toggled(earlier.witness)):
        return "differs by a trailing slash alone:"
    return ""


def _toggled(path: str) -> str:
    return path.removesuffix("/") if path.endswith("/") else path + "/"
