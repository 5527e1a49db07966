"""RT010: any website may call the service with its visitors' cookies."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Location, Rule
from ...project import Project
from ._endpoints import (
    added,
    allows_credentials,
    any_origin,
    echoes_origin,
    is_cors,
)


class RT010(Rule):
    """Any website may call the service with its visitors' cookies.

    CORS with credentials for every origin: `*`, or a pattern that fits any address, since Starlette then answers with
    the origin that asked; or a response that is given `Access-Control-Allow-Origin` from the request beside
    `Access-Control-Allow-Credentials`. Quiet are `*` without credentials, named origins, and an origin that is
    looked up before it is repeated.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        for application in project.applications:
            for cls, options in application.middleware:
                if is_cors(cls) and (why := any_origin(options)):
                    yield self.finding(
                        f"CORS lets {why} in with credentials, so any website acts as its visitors; name the origins",
                        added(project, cls),
                        "CORS",
                    )
        allowing = {names for names in project.source.own if any(allows_credentials(node) for node, _ in names)}
        for function in project.call_graph.every:
            if function.names in allowing and (line := echoes_origin(function.node)):
                yield self.finding(
                    "the origin that asks is repeated as one that may use credentials; look it up in a list first",
                    Location(function.location.file, line),
                    function.node.name,
                )
