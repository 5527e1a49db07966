"""RN003: a moment without a time zone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...model import Finding, Rule
from ...records.diagnostics import Diagnostic
from ...records.tables import Table


class RN003(Rule):
    """A moment without a time zone.

    Found are: the findings of ruff's DTZ rules, where no `noqa` stands (`datetime.now()`, `utcnow()`, `fromtimestamp`,
    `strptime`, `date.today()` and so on without a zone), and columns of the metadata whose type is `DateTime` or `TIMESTAMP`
    without `timezone=True`, also where `Mapped[datetime]` alone made them so. Quiet are types of the project's own that take
    care of zones, and dates.
    """

    common_subjects = True

    def check(
        self, lint: Mapping[str, Sequence[Diagnostic]] | None = None, tables: Sequence[Table] | None = None
    ) -> Iterator[Finding]:
        for each in lint["RN003"] if lint else ():
            message = f"{each.message.rstrip('.')} ({each.rule}): a moment without a zone"
            yield self.finding(message, each.location, each.rule, hint="give it one (datetime.now(UTC))")
        for table in tables or ():
            for column in table.columns:
                if column.naive:
                    name = f"{table.name}.{column.name}"
                    yield self.finding(
                        f"{name} keeps moments without a zone, so what comes back means another time elsewhere",
                        column.location,
                        name,
                        hint="declare it DateTime(timezone=True), or with a type that takes care of zones",
                    )
