"""IM007: a package that is banned, imported or declared."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Rule, option
from ...packaging.declared import Declared
from ...source.nodes import is_within
from ...source.tree import Source


class IM007(Rule):
    """A package that is banned, imported or declared.

    `passlib[bcrypt]` did not build on some machines, and the wrapper lags behind the library that does the work: a new
    bcrypt broke each login. What is banned, and what to use, is listed in `banned` of `[tool.hardening]`
    (`"passlib: use pwdlib"`); without it, passlib is. An import counts however it is written, also in a function, under
    another name or by `importlib`; a declaration counts without any import. A module below a package is banned as
    `package.module`.
    """

    banned: tuple[str, ...] = option(
        default=("passlib: use pwdlib",),
        help="packages that must not be used, each with its replacement: `requests: use httpx2`",
    )

    def check(self, declared: Declared, source: Source) -> Iterator[Finding]:
        for entry in self.banned:
            name, _, advice = (each.strip() for each in entry.partition(":"))
            advice = advice or "remove it"
            for each in declared.of(name):
                yield self.finding(f"{name} is declared, and banned", each.location, name, hint=advice)
            for location in dict.fromkeys(each.location for each in source.imports if is_within(each.name, [name])):
                yield self.finding(f"{name} is imported, and banned", location, name, hint=advice)
