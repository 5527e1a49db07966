"""RT005: a route that asks nobody who they are and is not on the list of those that need not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...config.table import FILE, Config
from ...model import Finding, Location, NotConfigured, Rule, option
from ...records.routes import Application, CodeRef, Route
from ._endpoints import fits, own_endpoints


class RT005(Rule):
    """A route that asks nobody who they are and is not on the list of those that need not.

    An endpoint of the project, websockets too, without one of the dependencies of `authentication` anywhere below it,
    its routers or its application; a class named there counts where a dependency is an object of it or where it is a
    middleware, a function also where the dependency was made by it. One of FastAPI's security schemes counts as long as
    it refuses by itself (`auto_error`). `public-routes` lists the others: `GET /health/*`, `* /status`, `WEBSOCKET /live`.
    Entries of either list that stand for nothing are named too. Quiet are mounted files and the documentation's routes.
    """

    public_routes: tuple[str, ...] = option(
        default=(), help="routes that need no authentication: `GET /path`, with `*` for any end or any method"
    )

    def check(
        self,
        routes: Sequence[Route],
        applications: Sequence[Application],
        addresses: Mapping[str, CodeRef | None],
        config: Config,
    ) -> Iterator[Finding]:
        if not config.authentication:
            raise NotConfigured("no `authentication` in [tool.hardening]")
        known = {address: addresses.get(address) for address in config.authentication}
        for address, code in known.items():
            if code is None:
                yield self.finding(
                    f"authentication names {address}, and there is no such thing",
                    Location(FILE),
                    address,
                    hint="correct the name",
                )
        doors = {code.identity for code in known.values() if code}
        used: set[str] = set()
        for route in own_endpoints(routes, websockets=True):
            if any(each.authenticates for each in route.dependants[1:]) or _is_behind(route, applications, doors):
                continue
            entries = [each for each in self.public_routes if fits(route, each)]
            used.update(entries)
            if not entries:
                yield self.finding(
                    f"{route.called} ({route.name}) asks nobody who they are",
                    route.location,
                    route.called,
                    hint="give it or its router the dependency that does, or list it in public-routes",
                )
        for entry in self.public_routes:
            if entry not in used:
                yield self.finding(
                    f"public-routes has {entry!r}, and no route without authentication is that",
                    Location(FILE),
                    entry,
                    hint="remove the entry",
                )


def _is_behind(route: Route, applications: Sequence[Application], doors: set[int]) -> bool:
    """Decide whether a middleware around a route is one of these."""
    around = [each for application in applications if application.is_around(route) for each in application.middleware]
    return any(each.identity in doors for each in around)
