"""RT007: a body with no maximum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...config.table import FILE, Config
from ...model import NOWHERE, DoesNotApply, Finding, Location, Rule
from ...records.routes import Application, CodeRef, Route
from ...source.call_graph import CallGraph
from ...source.tree import Source
from ._endpoints import function_of, own_endpoints

BODYLESS = {"GET", "HEAD", "OPTIONS", "TRACE"}
#: The methods of a request that read its body.
READS = {"body", "json", "form", "stream"}


class RT007(Rule):
    """A body with no maximum.

    A route that takes a body, of an application that limits none: no `max_body_size` of FastAPI on the application, the
    router or the route, and no middleware that is named in `body-limits` or is Starlette's own. Where no route has a
    limit the application is named, once; else each route that has none. What a proxy in front of the service limits is
    accepted, with the proxy as the reason.
    """

    def check(
        self,
        routes: Sequence[Route],
        applications: Sequence[Application],
        addresses: Mapping[str, CodeRef | None],
        call_graph: CallGraph,
        source: Source,
        config: Config,
    ) -> Iterator[Finding]:
        known = {address: addresses.get(address) for address in config.body_limits}
        for address, code in known.items():
            if code is None:
                yield self.finding(
                    f"body-limits names {address}, and there is no such thing",
                    Location(FILE),
                    address,
                    hint="correct it",
                )
        taking = [each for each in own_endpoints(routes) if _takes_body(each, call_graph)]
        if not taking:
            raise DoesNotApply("no route takes a body")
        limits = {code.identity for code in known.values() if code}
        unlimited = [each for each in taking if not _is_limited(each, applications, limits)]
        if unlimited == taking:
            more = f" and {len(taking) - 1} more" if taking[1:] else ""
            makes = [use.location for use in source.uses if use.name == "fastapi.FastAPI"]
            yield self.finding(
                f"nothing limits how large a body may be, and {taking[0].called}{more} read all of it into memory",
                makes[0] if makes else NOWHERE,
                "application",
                hint="give the application `max_body_size`, or name the middleware that limits it in body-limits",
            )
            return
        for route in unlimited:
            message = f"{route.called} takes a body of any size, and others have a limit"
            yield self.finding(message, route.location, route.called, hint="give it `max_body_size`")


def _takes_body(route: Route, call_graph: CallGraph) -> bool:
    if route.methods and not route.methods - BODYLESS:
        return False
    if route.body:
        return True
    function = function_of(route.endpoint, call_graph)
    return function is not None and any(
        use.last in READS and use.name.rpartition(".")[0].endswith("Request()") for use in function.uses
    )


def _is_limited(route: Route, applications: Sequence[Application], limits: set[int]) -> bool:
    around = [each for each in applications if each.is_around(route)]
    return (
        route.limits_body
        or any(each.limits_body for each in around)
        or any(
            middleware.identity in limits or middleware.name == "RequestBodyLimitMiddleware"
            for each in around
            for middleware in each.middleware
        )
    )
