"""CL001: a module that connects while it is imported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...knowledge.clients import IN_C
from ...model import Finding, Rule
from ...records.imports import Attempt
from ...source.call_graph import CallGraph
from ...source.outgoing import connects


class CL001(Rule):
    """A module that connects while it is imported.

    The application is imported, every other module too, and the API's schema is made, all with sockets blocked: what
    tries to connect or to look up a name is named, at the project's innermost line. Clients that connect in C, where
    nothing can be blocked, are found in source: in a module or class body, a default argument, a decorator, and in the
    constructors and functions that those call.
    Quiet are: clients that connect at first use, what a lifespan does, datagrams, what stands below
    `if __name__ == "__main__"`, and threads that connect in the background while nobody waits for them.
    """

    def check(self, call_graph: CallGraph, attempts: Sequence[Attempt] | None = None) -> Iterator[Finding]:
        hint = "connect at first use, or when the application starts (in its lifespan)"
        met: dict[str, set[int]] = {}
        for attempt in attempts or ():
            met.setdefault(attempt.location.file or "", set()).add(attempt.location.line or 0)
            message = f"this line connects to {attempt.target} {attempt.during}"
            yield self.finding(message, attempt.location, attempt.target, hint=hint)
        for function, start in ((None, ""), *call_graph.at_import.items()):
            for use in function.inside if function else call_graph.imported:
                lines = set(range(use.node.lineno, (use.node.end_lineno or use.node.lineno) + 1))
                name = call_graph.name_of(use)
                # What goes through Python's sockets would have been met above, had it run.
                written = function is None or name.partition(".")[0] in IN_C
                if written and connects(use, name) and lines.isdisjoint(met.get(use.location.file or "", ())):
                    when = f"when {use.module} is imported" if function is None else f"during the import at {start}"
                    yield self.finding(f"{name}() connects {when}", use.location, name, hint=hint)
