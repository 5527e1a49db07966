"""IM006: a file that does not compile."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import CouldNotLook, DoesNotApply, Finding, Rule
from ...source.tree import Source


class IM006(Rule):
    """A file that does not compile.

    A refactoring left half of a list comprehension behind, and it was found when a request ran into
    it. Every Python file of `source`, `tests` and the migrations is compiled, and none is run.
    """

    def check(self, source: Source) -> Iterator[Finding]:
        files = source.files
        if not files:
            raise DoesNotApply("there is no Python file")
        for file in files.values():
            if broken := file.broken:
                location = source.location(source.root / file.path, broken.line)
                yield self.finding(f"does not compile: {broken.error}", location, hint="correct it")
        if left_out := source.leaves_out():
            reasons = "; ".join(f"{each.path} {each.left_out}" for each in left_out)
            raise CouldNotLook(f"no rule has read {len(left_out)} of {len(files)} files: {reasons}")
