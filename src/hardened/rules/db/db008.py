"""DB008: migrations that are not one line, or do not see every model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from ...config.table import Config
from ...model import DoesNotApply, Finding, Location, Rule
from ...records.migrations import Migration
from ...records.tables import Table
from ...source.tree import Source


class DB008(Rule):
    """Migrations that are not one line, or do not see every model.

    There is exactly one base and one head; each parent exists; no identifier is there twice; each class with a
    `__tablename__` is in the metadata once the application is imported. Branches that a merge joins again are fine. After a
    pull: let your revision follow the other one (`down_revision`).
    """

    def check(
        self, config: Config, source: Source, doubts: Mapping[str, str], tables: Sequence[Table] | None = None
    ) -> Iterator[Finding]:
        migrations = source.migrations
        if not migrations and not tables:
            raise DoesNotApply("there are neither tables nor migrations")
        # A misspelt parent makes a second head as well: the cause is reported, its effects are not.
        findings = list(self._identifiers(migrations)) or list(self._line(migrations))
        yield from findings
        if tables is None:
            return
        if not migrations:
            message = f"there are {len(tables)} tables and no migration in {config.migrations}"
            yield self.finding(message, Location(config.migrations), hint="make the first one")
        seen = {table.name for table in tables if table.by_application}
        for table, location in () if "tables" in doubts else source.models():
            if table not in seen:
                yield self.finding(
                    f"the table {table} is in no metadata once the application is imported, so no migration makes it",
                    location,
                    table,
                    hint="import its module where the application is put together",
                )

    def _identifiers(self, migrations: Sequence[Migration]) -> Iterator[Finding]:
        counted = Counter(migration.revision for migration in migrations)
        names = set(counted).union(*(migration.labels for migration in migrations))
        for each in migrations:
            if each.problem:
                yield self.finding(f"this migration {each.problem}", each.location)
            elif counted[each.revision] > 1:
                yield self.finding(
                    f"the revision {each.revision} is there {counted[each.revision]} times",
                    each.location,
                    each.revision,
                    hint="give this one an identifier of its own",
                )
            for parent in (*each.parents, *each.depends_on):
                if parent not in (names if parent in each.depends_on else counted):
                    yield self.finding(
                        f"the revision {each.revision} follows {parent}, which does not exist",
                        each.location,
                        each.revision,
                        hint="name the revision that it follows",
                    )

    def _line(self, migrations: Sequence[Migration]) -> Iterator[Finding]:
        known = {each.revision: each for each in migrations}
        parents = {parent for each in migrations for parent in each.parents}
        heads = [each for each in migrations if each.revision not in parents]
        bases = [each for each in migrations if not each.parents]
        for kind, advice, ends in (
            ("heads", "let one follow the other, or merge them", heads),
            ("bases", "let one follow the other", bases),
        ):
            if len(ends) > 1:
                listed = ", ".join(f"{each.revision} ({each.location})" for each in ends)
                message = f"there are {len(ends)} {kind}: {listed}"
                yield self.finding(message, ends[-1].location, ends[-1].revision, hint=advice)
        reached: set[str] = set()
        pending = [each.revision for each in heads]
        while pending:
            name = pending.pop()
            if name not in reached:
                reached.add(name)
                pending += known[name].parents
        circle = [each for each in migrations if each.revision not in reached]
        if circle:
            names = ", ".join(each.revision for each in circle)
            yield self.finding(
                f"the revisions {names} follow each other in a circle",
                circle[0].location,
                circle[0].revision,
                hint="let one follow a revision that is outside of it",
            )
