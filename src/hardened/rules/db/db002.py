"""DB002: a reference to an authentication table where a user is meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...config.table import FILE, Config
from ...model import Finding, Location, NotConfigured, Rule, option
from ...records.migrations import Migrated
from ...records.tables import Table
from ...source.nodes import last_of
from ._shared import subject_of


class DB002(Rule):
    """A reference to an authentication table where a user is meant.

    Credentials come and go; the person stays. Refer to the users table.

    The authentication tables are declared, in `authentication-tables`; they may refer to each other. A declared table that
    is not there is found too: renaming it must not end the watch. Migrations are read as well: a reference that one of them
    makes, and no later one drops, is in the database whatever the models declare.
    """

    users_table: str = option(default="", help="table of the users, to which other tables refer")

    def check(
        self, config: Config, tables: Sequence[Table], migrated: Sequence[Migrated], doubts: Mapping[str, str]
    ) -> Iterator[Finding]:
        declared = config.authentication_tables
        if not declared:
            raise NotConfigured("no `authentication-tables` in [tool.hardening]")
        users = self.users_table or "the users table"
        for table in tables:
            for reference in table.references:
                target = reference.target, last_of(reference.target)
                if not table.called(*declared) and not set(declared).isdisjoint(target):
                    subject = subject_of(table, reference)
                    yield self.finding(
                        f"{subject} refers to {reference.target}, which says how somebody logs in",
                        reference.location,
                        subject,
                        hint=f"refer to {users}",
                    )
        for each in migrated:
            if last_of(each.table) not in {last_of(name) for name in declared}:
                yield self.finding(
                    f"this migration lets {each.subject} refer to {each.target}, which says how somebody logs in",
                    each.location,
                    each.subject,
                    hint=f"refer to {users}, in a further migration where this one has run",
                )
        for name in () if "tables" in doubts else declared:
            if not any(table.called(name) for table in tables):
                yield self.finding(
                    f"authentication-tables names {name}, and there is no such table",
                    Location(FILE),
                    name,
                    hint="correct the name",
                )
