"""DB011: an attribute that asks the database when it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model import Finding, Rule
from ...records.tables import Loading


class DB011(Rule):
    """An attribute that asks the database when it is read.

    In a list of a hundred rows that is a hundred queries; in an asynchronous session it is a `MissingGreenlet`.

    Found are, on each mapped class of the metadata, relationships that are `lazy="select"` (SQLAlchemy's default),
    `"dynamic"` or `"immediate"`, that of a `backref` included, and deferred columns. Quiet are those that come with the row
    (`"selectin"`, `"joined"`, `"subquery"`), that raise instead (`"raise"`, `"raise_on_sql"`, `deferred_raiseload=True`), and
    `"write_only"` and `"noload"`.
    """

    def check(self, loading: Sequence[Loading]) -> Iterator[Finding]:
        for each in loading:
            yield self.finding(
                f"{each.name} ({each.how}) asks the database each time that it is read for the first time",
                each.location,
                each.name,
                hint='declare it with lazy="raise" (a column with deferred_raiseload=True), and load it in the queries that '
                "need it",
            )
