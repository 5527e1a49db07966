"""RT011: a handler of start-up or shutdown that never runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...model import Finding, Rule
from ...project import Project
from ._endpoints import (
    called,
    lifespan_of,
    location_of,
    run_by,
)


class RT011(Rule):
    """A handler of start-up or shutdown that never runs.

    `on_event`, `add_event_handler` or `on_startup` beside a `lifespan`: FastAPI runs one or the other, and says
    nothing. The same for an application that is mounted: nobody runs its handlers or its lifespan, unless the one around it
    enters its `lifespan_context`. Quiet are handlers without a lifespan, and routers that have either and are included.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        entered = any(
            isinstance(node, ast.Attribute) and node.attr in ("lifespan_context", "lifespan")
            for names in project.source.own
            for node, _ in names
        )
        first = True
        for application in project.applications:
            router = getattr(application.served, "router", application.served)
            handlers = [*getattr(router, "on_startup", ()), *getattr(router, "on_shutdown", ())]
            mounted, first = not first, False
            runs, others = run_by(router)
            if mounted and not entered:
                if not runs:
                    handlers.append(lifespan_of(router))
                why = "the application is mounted, and nobody starts it; do it in the lifespan of the one around it"
            elif not mounted and not runs:
                handlers = [each for each in handlers if each not in others]
                why = "the application has a lifespan, which alone is run; move it there"
            else:
                continue
            for handler in dict.fromkeys(handlers):
                location = location_of(handler, project)
                yield self.finding(f"{called(handler)} never runs: {why}", location, called(handler))
