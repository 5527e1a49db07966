"""IM001: a package that is used and declared nowhere, or imported where nobody looks."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence

from ...knowledge.linters import UNDECLARED
from ...model import Finding, Location, Rule
from ...packaging.declared import Declared
from ...records.deployment import Driver
from ...records.diagnostics import Diagnostic
from ...source.tree import Source, literal
from ._imports import is_tried, require_declarations


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

    def check(
        self,
        source: Source,
        declared: Declared,
        dependencies: Sequence[Diagnostic],
        drivers: Sequence[Driver],
        lint: Mapping[str, Sequence[Diagnostic]],
    ) -> Iterator[Finding]:
        require_declarations(declared)
        own = _own(source)
        lines: set[Location] = set()
        for found in (
            self._undeclared(source, declared, dependencies, own),
            self._by_name(source, declared, own, lines),
            self._late(source, lint["IM001"], own, lines),
        ):
            for finding in found:
                lines.add(finding.location)
                yield finding
        brought = declared.brought
        for driver in drivers:
            if brought.isdisjoint(driver.needs):
                yield self.finding(
                    f"{driver.written} needs a driver that is not declared, and nothing imports it until the first connection",
                    driver.location,
                    driver.needs[0],
                    hint=f"declare {' or '.join(driver.needs)}",
                )

    def _undeclared(
        self, source: Source, declared: Declared, dependencies: Sequence[Diagnostic], own: set[str]
    ) -> Iterator[Finding]:
        for row in dependencies:
            if row.rule not in UNDECLARED:
                continue
            match = re.match(r"'([\w.]+)'", row.message)
            name, path = match[1] if match else row.message, row.location.file or ""
            inside = path in source.files and (source.root / path).is_relative_to(source.folder)
            if not inside or (row.rule != "DEP004" and declared.has_module(name)):
                continue
            # deptry knows the own package only where its settings name it.
            if name.partition(".")[0] not in own and not is_tried(source, row.location):
                yield self._not_declared(name, row.rule, row.location)

    def _by_name(self, source: Source, declared: Declared, own: set[str], lines: set[Location]) -> Iterator[Finding]:
        """Yield modules that a function imports by their names: deptry does not see all of them."""
        for call in source.uses:
            if call.name not in ("__import__", "importlib.import_module") or call.location in lines:
                continue
            name = literal(call.argument("name", 0))
            top = name.partition(".")[0] if isinstance(name, str) else ""
            if not top or top in sys.stdlib_module_names or top in own or declared.has_module(top):
                continue
            if not is_tried(source, call.location):
                yield self._not_declared(top, "DEP001", call.location)

    def _not_declared(self, name: str, rule: str, location: Location) -> Finding:
        hint = "declare it where the service's own stand" if rule == "DEP004" else "declare it"
        return self.finding(f"{name} {UNDECLARED[rule]}", location, name, hint=hint)

    def _late(
        self, source: Source, late: Sequence[Diagnostic], own: set[str], lines: set[Location]
    ) -> Iterator[Finding]:
        for row in late:
            names = source.names(row.location.file) if row.location.file in source.files else None
            if row.location in lines or names is None:
                continue
            imported = [name for name, location, _ in names.imports() if location.line == row.location.line]
            tops = dict.fromkeys(name.partition(".")[0] for name in imported)
            others = [each for each in tops if each not in sys.stdlib_module_names and each not in own]
            if others and not is_tried(source, row.location):
                yield self.finding(
                    f"{', '.join(others)} is imported inside of a function, so that it is missing shows when that runs",
                    row.location,
                    others[0],
                    hint="import it at the top, or write why not: `# noqa: PLC0415 - ...`",
                )


def _own(source: Source) -> set[str]:
    """The first words of the project's own modules."""
    return {source.config.package.partition(".")[0]} | {
        path.stem for path in source.folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
