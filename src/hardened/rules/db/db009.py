"""DB009: a commit that runs after the response is sent."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model import DoesNotApply, Finding, Location, Rule
from ...project import Project
from ...source.symbols import FUNCTIONS, SymbolTable

if TYPE_CHECKING:
    pass


class DB009(Rule):
    """A commit that runs after the response is sent.

    FastAPI runs what stands behind the `yield` of a dependency when the response is on its way; with `scope="function"` it
    does so before.

    What counts: a dependency with `yield` that commits when it ends (a `commit()` after the yield, or a yield inside of
    `begin()`, of a context manager or a function of the project that commits), used without `scope="function"`: at each
    `Depends` that names it, else, where a route of the application has it by another way, at the function. Quiet are: one
    that only closes its session, those of websockets, and a FastAPI that knows no scopes.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        told: set[Location] = set()
        for names, function, location in project.sessions.dependencies():
            if project.sessions.commits_late(names, function):
                told.add(_first(names, function))
                yield self._told(getattr(function, "name", "it"), location)
        with contextlib.suppress(DoesNotApply):
            late = {each.location for each in project.late_dependencies}
            for names in project.source.own if late - told else ():
                for node, _ in names:
                    if not isinstance(node, FUNCTIONS) or _first(names, node) not in late - told:
                        continue
                    if project.sessions.commits_late(names, node):
                        yield self._told(node.name, Location(names.file.path, node.lineno))

    def _told(self, name: str, location: Location) -> Finding:
        return self.finding(
            f"{name} commits after the response was sent, so a failed commit has answered 2xx; "
            'let it end first: Depends(..., scope="function")',
            location,
            name,
        )


def _first(names: SymbolTable, function: ast.AST) -> Location:
    """Where Python says that a function begins: at its first decorator."""
    lines = [each.lineno for each in getattr(function, "decorator_list", ())]
    return Location(names.file.path, min([*lines, getattr(function, "lineno", 0)]))
