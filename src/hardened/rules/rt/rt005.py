"""RT005: a route that asks nobody who they are and is not on the list of those that need not."""

from __future__ import annotations

from collections.abc import Iterator

from ...config.table import FILE
from ...model import DoesNotApply, Finding, Location, Rule
from ...project import Project
from ...records import Route
from ._endpoints import (
    authenticates,
    calls_of,
    fits,
    own_endpoints,
)


class RT005(Rule):
    """A route that asks nobody who they are and is not on the list of those that need not.

    An endpoint of the project, websockets too, without one of the dependencies of `authentication` anywhere below it,
    its routers or its application; a class named there counts where a dependency is an object of it or where it is a
    middleware, a function also where the dependency was made by it. One of FastAPI's security schemes counts as long as
    it refuses by itself (`auto_error`). `public-routes` lists the others: `GET /health/*`, `* /status`, `WEBSOCKET /live`.
    Entries of either list that stand for nothing are named too. Quiet are mounted files and the documentation's routes.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        if not project.config.authentication:
            raise DoesNotApply("no `authentication` in [tool.hardening]")
        known = project.named("authentication")
        used: set[str] = set()
        routes = own_endpoints(project, websockets=True)
        for address, thing in known.items():
            if thing is None:
                message = f"authentication names {address}, and there is no such thing; correct the name"
                yield self.finding(message, Location(FILE), address)
        for route in routes:
            if any(authenticates(call, known) for call in calls_of(route)) or self._behind(route, project, known):
                continue
            entries = [each for each in project.config.public_routes if fits(route, each)]
            used.update(entries)
            if not entries:
                yield self.finding(
                    f"{route.called} ({route.name}) asks nobody who they are; give it or its router the dependency "
                    "that does, or list it in public-routes",
                    route.location,
                    route.called,
                )
        for entry in project.config.public_routes:
            if entry not in used:
                message = f"public-routes has {entry!r}, and no route without authentication is that; remove the entry"
                yield self.finding(message, Location(FILE), entry)

    @staticmethod
    def _behind(route: Route, project: Project, known: dict[str, object]) -> bool:
        return any(
            cls in known.values()
            for each in project.applications
            if each.is_around(route)
            for cls, _ in each.middleware
        )
