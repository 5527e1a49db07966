"""IM001: a package that is used and declared nowhere, or imported where nobody looks."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model import Finding, Location, Rule
from ...project import Project
from ...source.tree import Source, literal
from ._shared import _declared, _guarded

if TYPE_CHECKING:
    from ...packaging.declared import Declared


UNDECLARED = {
    "DEP001": "is imported and declared nowhere, so a new environment does not have it; declare it",
    "DEP003": "is imported and here only because something else needs it; declare it",
    "DEP004": "is imported by the service and declared for its developers alone; declare it where the service's own stand",
}
"""What deptry's rules mean for a service that is installed with what is declared."""


class IM001(Rule):
    """A package that is used and declared nowhere, or imported where nobody looks.

    Three ways: an import of what is not declared, is there only because something else needs it, or is declared for
    developers alone; a driver that only an address names (`postgresql+psycopg2://` in settings, `.env.example`, a compose
    file, Kubernetes, `alembic.ini`); and an import of an installed package inside of a function, which is found missing
    when that function runs.

    Quiet are: imports in `try` with `except ImportError`, those for the type checker, a package whose module has another
    name, late imports of the project's own modules and of the standard library, and late imports that say why:
    `# noqa: PLC0415 - half a second, which no other command pays`.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        declared = _declared(project)
        told: set[Location] = set()
        for found in (self._undeclared(project, declared), self._by_name(project, declared, told)):
            for finding in found:
                told.add(finding.location)
                yield finding
        yield from self._late(project, told)
        brought = declared.brought
        for driver in project.drivers:
            if brought.isdisjoint(driver.needs):
                needs = " or ".join(driver.needs)
                yield self.finding(
                    f"{driver.written} needs a driver that is not declared, and nothing imports it until the first "
                    f"connection; declare {needs}",
                    driver.location,
                    driver.needs[0],
                )

    def _undeclared(self, project: Project, declared: Declared) -> Iterator[Finding]:
        own = _own(project.source)
        rows = [row for row in project.dependencies if row.rule in UNDECLARED]
        for row in rows:
            match = re.match(r"'([\w.]+)'", row.message)
            name, path = match[1] if match else row.message, row.location.file or ""
            inside = path in project.source.files and (project.source.root / path).is_relative_to(project.source.folder)
            if not inside or (row.rule != "DEP004" and declared.has_module(name)):
                continue
            # deptry knows its own package only where somebody told it, and guards are of what there may not be.
            if name.partition(".")[0] in own:
                continue
            if not _guarded(project.source, row.location):
                yield self.finding(f"{name} {UNDECLARED[row.rule]}", row.location, name)

    def _by_name(self, project: Project, declared: Declared, told: set[Location]) -> Iterator[Finding]:
        """What deptry does not see everywhere: modules that a function imports by their names."""
        own = _own(project.source)
        for use in project.source.uses:
            if use.name not in ("__import__", "importlib.import_module") or use.location in told:
                continue
            name = literal(use.argument("name", 0))
            top = name.partition(".")[0] if isinstance(name, str) else ""
            if not top or top in sys.stdlib_module_names or top in own or declared.has_module(top):
                continue
            if not _guarded(project.source, use.location):
                yield self.finding(f"{top} {UNDECLARED['DEP001']}", use.location, top)

    def _late(self, project: Project, told: set[Location]) -> Iterator[Finding]:
        own = _own(project.source)
        for row in project.lint["IM001"]:
            names = project.source.names(row.location.file) if row.location.file in project.source.files else None
            if row.location in told or names is None:
                continue
            imported = [name for name, location, _ in names.imports() if location.line == row.location.line]
            tops = dict.fromkeys(name.partition(".")[0] for name in imported)
            others = [each for each in tops if each not in sys.stdlib_module_names and each not in own]
            if others and not _guarded(project.source, row.location):
                yield self.finding(
                    f"{', '.join(others)} is imported inside of a function, so that it is missing shows when that runs; "
                    "import it at the top, or write why not: `# noqa: PLC0415 - ...`",
                    row.location,
                    others[0],
                )


def _own(source: Source) -> set[str]:
    """The first words of the project's own modules."""
    return {source.config.package.partition(".")[0]} | {
        path.stem for path in source.folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
