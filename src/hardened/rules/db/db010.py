"""DB010: tables that are made or dropped around the migrations."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Rule
from ...source.sessions import Sessions


class DB010(Rule):
    """Tables that are made or dropped around the migrations.

    `create_all` makes missing tables and changes none that is there, so migrations no longer describe the database.

    Found are `create_all` and `drop_all` of a metadata, `create` and `drop` of a `__table__`, called or passed on
    (`run_sync(Base.metadata.create_all)`), and `CREATE TABLE` or `DROP TABLE` in SQL, in every module of the package.
    Quiet are: tests, migrations, temporary tables, and methods of that name of other objects.
    """

    def check(self, sessions: Sessions) -> Iterator[Finding]:
        for name, location in sessions.made_tables():
            yield self.finding(
                f"{name} makes or drops tables around the migrations, which then no longer say what is there",
                location,
                name,
                hint="make a migration, and run the migrations where the tables are needed",
            )
