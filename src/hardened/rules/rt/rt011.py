"""RT011: a handler of start-up or shutdown that never runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from ...model import Finding, Rule
from ...records.routes import Application, CodeRef
from ...source.tree import Source


class RT011(Rule):
    """A handler of start-up or shutdown that never runs.

    `on_event`, `add_event_handler` or `on_startup` beside a `lifespan`: FastAPI runs one or the other, and says
    nothing. The same for an application that is mounted: nobody runs its handlers or its lifespan, unless the one around it
    enters its `lifespan_context`. Quiet are handlers without a lifespan, and routers that have either and are included.
    """

    def check(self, applications: Sequence[Application], source: Source) -> Iterator[Finding]:
        entered = any(
            node.attr in ("lifespan_context", "lifespan")
            for table in source.own
            for node, _ in table.nodes(ast.Attribute)
        )
        served, *mounted = applications
        if not served.runs_events:
            handlers = [each.function for each in served.event_handlers if not each.run]
            yield from self._report(handlers, "the application has a lifespan, which alone is run", "move it there")
        for each in mounted if not entered else ():
            handlers = [handler.function for handler in each.event_handlers]
            if not each.runs_events and each.lifespan:
                handlers.append(each.lifespan)
            reason = "the application is mounted, and nobody starts it"
            yield from self._report(handlers, reason, "do it in the lifespan of the one around it")

    def _report(self, handlers: Sequence[CodeRef], reason: str, hint: str) -> Iterator[Finding]:
        for each in dict.fromkeys(handlers):
            yield self.finding(f"{each.name} never runs: {reason}", each.location, each.name, hint=hint)
