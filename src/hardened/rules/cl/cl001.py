"""CL001: a module that connects while it is imported."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Rule
from ...project import Project
from ...source.outgoing import IN_C, connects


class CL001(Rule):
    """A module that connects while it is imported.

    The application is imported, every other module too, and the API's schema is made, all with sockets blocked: what
    tries to connect or to look up a name is named, at the project's innermost line. Clients that connect in C, where
    nothing can be blocked, are found in source: in a module or class body, a default argument, a decorator, and in the
    constructors and functions that those call.
    Quiet are: clients that connect at first use, what a lifespan does, datagrams, what stands below
    `if __name__ == "__main__"`, and threads that connect in the background while nobody waits for them.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        told: dict[str, set[int]] = {}
        for attempt in project.attempts:
            told.setdefault(attempt.location.file or "", set()).add(attempt.location.line or 0)
            yield self.finding(
                f"this line connects to {attempt.target} {attempt.during}; connect at first use, or when the "
                "application starts (in its lifespan)",
                attempt.location,
                attempt.target,
            )
        functions = project.call_graph
        for function, start in ((None, ""), *functions.at_import.items()):
            for use in function.inside if function else functions.imported:
                lines = set(range(use.node.lineno, (use.node.end_lineno or use.node.lineno) + 1))
                name = functions.name_of(use)
                # What goes through Python's sockets would have been met above, had it run.
                written = function is None or name.partition(".")[0] in IN_C
                if written and connects(use, name) and lines.isdisjoint(told.get(use.location.file or "", ())):
                    when = f"when {use.module} is imported" if function is None else f"during the import at {start}"
                    yield self.finding(
                        f"{name}() connects {when}; connect at first use, or when the application starts "
                        "(in its lifespan)",
                        use.location,
                        name,
                    )
