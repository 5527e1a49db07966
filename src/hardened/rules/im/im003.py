"""IM003: a module that cannot be imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model import Finding, Rule
from ...project import Project
from ._shared import _guarded

if TYPE_CHECKING:
    pass


class IM003(Rule):
    """A module that cannot be imported.

    A handler was removed and its import was left; the service restarted in a loop. Every module of
    the package is imported here and every failure is told at once, at the line that is to blame: also
    a folder of features that exposes none, and a module that ends the process when it is imported.
    One cause is told once, not again for each module that imports it; a file that does not compile
    is IM006's. An import inside of a function is followed too, where it is of the project's own: it would fail
    when that function runs. Quiet is Alembic's `env.py`, which only Alembic can import.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        yield from self._late(project)
        for failure in project.failures:
            yield self.finding(
                f"{failure.module} cannot be imported: {failure.message}; correct this line or what it needs",
                failure.location,
                failure.module,
            )

    def _late(self, project: Project) -> Iterator[Finding]:
        modules = project.modules
        for each in project.source.imports:
            problem = modules.missing(each.name) if each.lazy else ""
            if problem and not _guarded(project.source, each.location):
                yield self.finding(
                    f"{each.name} is imported inside of a function and {problem}; correct this line or what it needs",
                    each.location,
                    each.module,
                )
