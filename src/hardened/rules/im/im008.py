"""IM008: a framework is bounded, and what it is made on is not."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import CouldNotLook, DoesNotApply, Finding, Rule
from ...packaging.declared import Declared
from ._imports import require_declarations

ON_TOP_OF = (("fastapi", "starlette"), ("celery", "kombu"))
"""Distributions that leave it open how new the one may be that they are made on."""


class IM008(Rule):
    """A framework is bounded, and what it is made on is not.

    FastAPI sets no upper bound on Starlette, nor Celery on kombu: a new major version of the lower one arrived with the
    next installation, the tests through the in-process client stayed green, and each request to a real server failed. A
    service that declares one of the two declares the other as well, with an upper bound of its own. Quiet where the
    installed framework bounds it itself. That the framework has a bound is CL005's concern.
    """

    def check(self, declared: Declared) -> Iterator[Finding]:
        require_declarations(declared)
        above = {each.name for each in declared.needed}
        pairs = [(upper, lower) for upper, lower in ON_TOP_OF if upper in above]
        if not pairs:
            raise DoesNotApply(f"none of {', '.join(upper for upper, _ in ON_TOP_OF)} is declared")
        for upper, lower in pairs:
            yield from self._pair(declared, upper, lower)

    def _pair(self, declared: Declared, upper: str, lower: str) -> Iterator[Finding]:
        own = [each for each in declared.needed if each.name == lower]
        if any(each.bounded for each in own):
            return
        if not declared.is_installed(upper):
            raise CouldNotLook(f"{upper} is not installed here, so how new a {lower} it allows is not known")
        if any(each.bounded for each in declared.required(upper) if each.name == lower):
            return
        missing = "has no upper bound" if own else "is not declared"
        at = (own or declared.of(upper))[0]
        yield self.finding(
            f"{upper} takes any newer {lower}, and {lower} {missing}",
            at.location,
            lower,
            hint=f"declare {lower} with the bound that you test with",
        )
