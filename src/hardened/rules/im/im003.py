"""IM003: a module that cannot be imported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model import Finding, Rule
from ...packaging.entries import Modules
from ...records.imports import Failure
from ...source.tree import Source
from ._imports import is_tried

CLAIMED = frozenset({"CL002"})
"""Rules that report a module themselves where their failure is refused at its import."""


class IM003(Rule):
    """A module that cannot be imported.

    A handler was removed and its import was left; the service restarted in a loop. Every module of
    the package is imported here and every failure is told at once, at the line that is to blame: also
    a folder of features that exposes none, and a module that ends the process when it is imported.
    One cause is told once, not again for each module that imports it; a file that does not compile
    is IM006's. An import inside of a function is followed too, where it is of the project's own: it would fail
    when that function runs. Quiet is Alembic's `env.py`, which only Alembic can import.
    """

    def check(self, source: Source, modules: Modules, failures: Sequence[Failure] | None = None) -> Iterator[Finding]:
        hint = "correct this line or what it needs"
        for each in source.imports:
            problem = modules.missing(each.name) if each.lazy else ""
            if problem and not is_tried(source, each.location):
                message = f"{each.name} is imported inside of a function and {problem}"
                yield self.finding(message, each.location, each.module, hint=hint)
        for failure in failures or ():
            if failure.code not in CLAIMED:
                message = f"{failure.module} cannot be imported: {failure.message}"
                yield self.finding(message, failure.location, failure.module, hint=hint)
