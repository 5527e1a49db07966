"""RT001: two handlers answer the same request, and the first one registered wins without a word."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Rule
from ...project import Project
from ...records import Route


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

    at_start = True

    def check(self, project: Project) -> Iterator[Finding]:
        routes = project.routes
        hidden: set[int] = set()
        for position, later in enumerate(routes):
            if not hidden.isdisjoint(later.within):
                continue
            for before, earlier in enumerate(routes[:position]):
                if before not in later.within and (how := _collision(earlier, later)):
                    hidden.add(position)
                    yield self._told(earlier, later, how)
                    break

    def _told(self, earlier: Route, later: Route, how: str) -> Finding:
        methods = ", ".join(sorted(_common(earlier, later))) or later.kind
        message = (
            f"{methods} {later.path}: {later.name} ({later.location}) {how} "
            f"{earlier.name} ({earlier.location}) answers {earlier.path} first; "
            "give one of them another path, delete it, or register the more specific one first"
        )
        location = later.location if later.location.file else earlier.location
        return self.finding(message, location, f"{methods} {later.path}")


def _common(earlier: Route, later: Route) -> frozenset[str]:
    """The methods that both answer; none when either answers every method."""
    if earlier.methods and later.methods:
        return earlier.methods & later.methods
    return earlier.methods or later.methods


def _collision(earlier: Route, later: Route) -> str:
    """What the earlier route does to the later one; empty when both can be reached."""
    if earlier.kind != later.kind and "mount" not in (earlier.kind, later.kind):
        return ""
    if earlier.kind == "websocket" and later.kind == "mount":  # files, mostly: it answers no websocket
        return ""
    if earlier.host not in ("", later.host):
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
    siblings = earlier.within == later.within and "mount" not in (earlier.kind, later.kind)
    if siblings and earlier.pattern.match(_toggled(later.witness)) and later.pattern.match(_toggled(earlier.witness)):
        return "differs by a trailing slash alone:"
    return ""


def _toggled(path: str) -> str:
    return path.removesuffix("/") if path.endswith("/") else path + "/"
