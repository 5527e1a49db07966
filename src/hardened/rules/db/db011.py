"""DB011: an attribute that asks the database when it is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model import Finding, Rule
from ...project import Project

if TYPE_CHECKING:
    pass


class DB011(Rule):
    """An attribute that asks the database when it is read.

    In a list of a hundred rows that is a hundred queries; in an asynchronous session it is a `MissingGreenlet`.

    What counts: a relationship that is `lazy="select"` (SQLAlchemy's default), `"dynamic"` or `"immediate"`, that of a `backref`
    included, and a deferred column, on each mapped class of the metadata. Quiet are those that come with the row (`"selectin"`,
    `"joined"`, `"subquery"`), that raise instead (`"raise"`, `"raise_on_sql"`, `deferred_raiseload=True`), and
    `"write_only"` and `"noload"`.
    """

    at_start = True

    def check(self, project: Project) -> Iterator[Finding]:
        for each in project.loading:
            yield self.finding(
                f"{each.name} ({each.how}) asks the database each time that it is read for the first time; declare it with "
                'lazy="raise" (a column with deferred_raiseload=True), and load it in the queries that need it',
                each.find(),
                each.name,
            )
