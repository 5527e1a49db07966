"""IM007: a package that is banned, imported or declared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model import Finding, Rule
from ...project import Project
from ...source.tree import Import

if TYPE_CHECKING:
    pass


class IM007(Rule):
    """A package that is banned, imported or declared.

    `passlib[bcrypt]` did not build on some machines, and the wrapper lags behind the library that does the work: a new
    bcrypt broke each login. What is banned, and what to use, is listed in `banned` of `[tool.hardening]`
    (`"passlib: use pwdlib"`); without it, passlib is. An import counts however it is written, also in a function, under
    another name or by `importlib`; a declaration counts without any import. A module below a package is banned as
    `package.module`.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        for entry in project.config.banned:
            name, _, advice = (each.strip() for each in entry.partition(":"))
            advice = advice or "remove it"
            for each in project.declared.of(name):
                yield self.finding(f"{name} is declared, and banned; {advice}", each.location, name)
            for location in dict.fromkeys(each.location for each in project.source.imports if _below(each, name)):
                yield self.finding(f"{name} is imported, and banned; {advice}", location, name)


def _below(imported: Import, name: str) -> bool:
    return imported.name == name or imported.name.startswith(f"{name}.")
