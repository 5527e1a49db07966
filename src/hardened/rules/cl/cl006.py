"""CL006: a test's stand-in that is not made from what it stands in for."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import DoesNotApply, Finding, Rule
from ...source.stand_ins import StandIns


class CL006(Rule):
    """A test's stand-in that is not made from what it stands in for.

    In `tests`: a `Mock`, `MagicMock` or `AsyncMock` without `spec` that something is asked of, that is put over an
    attribute, an entry or a dependency, that a fixture gives, or that is passed for a class of the package; `patch`
    without `autospec`, `spec` or a new value; a namespace of lambdas in the place of something; and a class by hand,
    called Fake, Stub, Dummy, Mock or InMemory and then as a class of the package is, or put in its place, with a method
    that the real one has not and no test calls.
    Quiet are: `create_autospec`, `spec=`, `spec_set=`, `wraps=`, `patch(..., new)`, `patch.dict`, a mock that is only
    called or compared, a class that derives from another, and methods that tests call for their own ends.
    """

    only_selected = "a matter of how tests are written: `hardened check --select CL006`"

    def check(self, stand_ins: StandIns) -> Iterator[Finding]:
        if not stand_ins.paths:
            raise DoesNotApply("there are no tests")
        for mock in stand_ins.mocks():
            advice = "autospec=True" if mock.what.startswith("patch") else "create_autospec(TheRealOne) or spec="
            yield self.finding(
                f"{mock.what} has every method that a test can misspell",
                mock.location,
                hint=f"make it from the real thing ({advice})",
            )
        for misfit in stand_ins.misfits():
            yield self.finding(
                f"{misfit.fake}.{misfit.method} stands in for {misfit.real}, which has no {misfit.method}",
                misfit.location,
                f"{misfit.fake}.{misfit.method}",
                hint="call it as the real one is called, or derive from it",
            )
