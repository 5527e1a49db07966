"""RN003: a moment without a time zone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model import Finding, Rule
from ...project import Project
from ._shared import _lint

if TYPE_CHECKING:
    pass


class RN003(Rule):
    """A moment without a time zone.

    What counts: what ruff's DTZ rules find, where no `noqa` stands (`datetime.now()`, `utcnow()`, `fromtimestamp`, `strptime`, `date.today()`
    and so on without a zone), and columns of the metadata whose type is `DateTime` or `TIMESTAMP` without `timezone=True`, also
    where `Mapped[datetime]` alone made them so. Quiet are types of the project's own that take care of zones, and dates.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        found, blind = _lint(project, "RN003")
        for each in found:
            message = (
                f"{each.message.rstrip('.')} ({each.rule}): a moment without a zone; give it one (datetime.now(UTC))"
            )
            yield self.finding(message, each.location, each.rule)
        for name, location in project.naive_columns if project.config.metadata else ():
            yield self.finding(
                f"{name} keeps moments without a zone, so what comes back means another time elsewhere; "
                "declare it DateTime(timezone=True), or with a type that takes care of zones",
                location,
                name,
            )
        if blind:
            raise blind
