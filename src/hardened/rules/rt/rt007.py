"""RT007: a body with no maximum."""

from __future__ import annotations

from collections.abc import Iterator

from ...config.table import FILE
from ...model import DoesNotApply, Finding, Location, Rule
from ...project import Project
from ...records import Route
from ._endpoints import (
    called,
    construction,
    function_of,
    own_endpoints,
)

BODYLESS = {"GET", "HEAD", "OPTIONS", "TRACE"}


class RT007(Rule):
    """A body with no maximum.

    A route that takes a body, of an application that limits none: no `max_body_size` of FastAPI on the application, the
    router or the route, and no middleware that is named in `body-limits` or is Starlette's own. Where no route has a
    limit the application is named, once; else each route that has none. What a proxy in front of the service limits is
    accepted, with the proxy as the reason.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        known = project.named("body_limits")
        for address, thing in known.items():
            if thing is None:
                yield self.finding(
                    f"body-limits names {address}, and there is no such thing; correct it", Location(FILE), address
                )
        taking = [each for each in own_endpoints(project) if self._takes_body(each, project)]
        if not taking:
            raise DoesNotApply("no route takes a body")
        open_ones = [each for each in taking if not self._is_limited(each, project, known)]
        if open_ones == taking:
            more = f" and {len(taking) - 1} more" if taking[1:] else ""
            yield self.finding(
                f"nothing limits how large a body may be, and {taking[0].called}{more} read all of it into memory; "
                "give the application `max_body_size`, or name the middleware that limits it in body-limits",
                construction(project),
                "application",
            )
            return
        for route in open_ones:
            message = f"{route.called} takes a body of any size, and others have a limit; give it `max_body_size`"
            yield self.finding(message, route.location, route.called)

    @staticmethod
    def _takes_body(route: Route, project: Project) -> bool:
        if route.methods and not route.methods - BODYLESS:
            return False
        if getattr(route.context, "body_field", None) is not None:
            return True
        function = function_of(project, route.endpoint)
        reads = {"body", "json", "form", "stream"}
        return function is not None and any(
            use.last in reads and use.name.rpartition(".")[0].endswith("Request()") for use in function.uses
        )

    @staticmethod
    def _is_limited(route: Route, project: Project, known: dict[str, object]) -> bool:
        if getattr(route.context, "max_body_size", None) is not None:
            return True
        for each in project.applications:
            if each.is_around(route):
                if getattr(each.served, "max_body_size", None) is not None:
                    return True
                if any(
                    cls in known.values() or called(cls) == "RequestBodyLimitMiddleware" for cls, _ in each.middleware
                ):
                    return True
        return False
