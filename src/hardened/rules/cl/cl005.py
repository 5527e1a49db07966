"""CL005: a dependency with no upper bound."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import DoesNotApply, Finding, Rule
from ...packaging.declared import Declared

DATA = {"certifi", "tzdata"}


class CL005(Rule):
    """A dependency with no upper bound.

    In pyproject.toml (dependencies, extras, groups, Poetry's tables) and in requirement files (`requirements` in
    [tool.hardening], of any encoding): a requirement that takes whatever is released next, and an address of a
    repository without a revision, or with a branch for one.
    Quiet are: `<`, `<=`, `==`, `===`, `~=`, a caret; markers and `requires-python`, which bound something else;
    files, paths, commits and tags; what a constraints file bounds; extras of the project itself; what builds it;
    certifi and tzdata, which are data.
    """

    def check(self, declared: Declared) -> Iterator[Finding]:
        if not declared.watched:
            raise DoesNotApply("no dependency is declared")
        for each in declared.watched:
            if not each.bounded and each.name not in DATA:
                yield self.finding(
                    f"{each.text} takes whatever is released next, other parameters included",
                    each.location,
                    each.name,
                    hint="bound it below the next release that may break (<2, or ==1.4.*)",
                )
