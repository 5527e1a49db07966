"""RT002: an attribute that is read and is not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model import Finding, Rule
from ...records.diagnostics import Diagnostic


class RT002(Rule):
    """An attribute that is read and is not there.

    mypy looks through the package and each attribute that it does not find is named. Quiet are names that a
    module lacks, since those fail when it is imported, and whatever else mypy says: that is for the type check itself.
    """

    only_selected = "a type check takes a minute: `hardened check --select RT002`"

    def check(self, types: Sequence[Diagnostic]) -> Iterator[Finding]:
        for each in types:
            message = each.message[0].lower() + each.message[1:]
            yield self.finding(
                f"{message}: whoever gets here gets an AttributeError", each.location, hint="name what is there"
            )
