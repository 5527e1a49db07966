"""DB009: a commit that runs after the response is sent."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from ...model import Finding, Location, Rule
from ...records.routes import Dependency
from ...source.nodes import FUNCTIONS
from ...source.sessions import Sessions
from ...source.symbols import SymbolTable
from ...source.tree import Source


class DB009(Rule):
    """A commit that runs after the response is sent.

    FastAPI runs the code behind the `yield` of a dependency when the response is on its way; with `scope="function"` it does
    so before.

    Found is a dependency with `yield` that commits when it ends (a `commit()` after the yield, or a yield inside of
    `begin()`, of a context manager or a function of the project that commits), used without `scope="function"`: at each
    `Depends` that names it, else, where a route of the application has it by another way, at the function. Quiet are: one
    that only closes its session, those of websockets, and a FastAPI that knows no scopes.
    """

    def check(
        self, source: Source, sessions: Sessions, late_dependencies: Sequence[Dependency] | None = None
    ) -> Iterator[Finding]:
        seen: set[Location] = set()
        for names, function, location in sessions.dependencies():
            if sessions.commits_late(names, function):
                seen.add(_first(names, function))
                yield self._commits_late(getattr(function, "name", "it"), location)
        late = {each.location for each in late_dependencies or ()} - seen
        for names in source.own if late else ():
            for node, _ in names.nodes(*FUNCTIONS):
                if isinstance(node, FUNCTIONS) and _first(names, node) in late and sessions.commits_late(names, node):
                    yield self._commits_late(node.name, Location(names.file.path, node.lineno))

    def _commits_late(self, name: str, location: Location) -> Finding:
        message = f"{name} commits after the response was sent, so a failed commit has answered 2xx"
        return self.finding(message, location, name, hint='let it end first: Depends(..., scope="function")')


def _first(names: SymbolTable, function: ast.AST) -> Location:
    """The line at which Python starts a function: its first decorator."""
    lines = [each.lineno for each in getattr(function, "decorator_list", ())]
    return Location(names.file.path, min([*lines, getattr(function, "lineno", 0)]))
