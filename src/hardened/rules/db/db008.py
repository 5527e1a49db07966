"""DB008: migrations that are not one line, or do not see every model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...model import DoesNotApply, Finding, Location, Rule
from ...project import Project
from ...records import Migration

if TYPE_CHECKING:
    pass


class DB008(Rule):
    """Migrations that are not one line, or do not see every model.

    Exactly one base and one head; each parent exists; no identifier twice; each class with a
    `__tablename__` is in the metadata once the application is imported. Branches that a merge joins
    again are fine. After a pull: let your revision follow the other one (`down_revision`).
    """

    def check(self, project: Project) -> Iterator[Finding]:
        migrations = project.source.migrations
        # A parent that is misspelt makes a second head as well: the cause is told, its effects are not.
        findings = list(self._identifiers(migrations)) or list(self._line(migrations))
        yield from findings
        if not migrations:
            if not project.tables:
                raise DoesNotApply("there are neither tables nor migrations")
            folder = project.config.migrations
            yield self.finding(
                f"there are {len(project.tables)} tables and no migration in {folder}; make the first one",
                Location(folder),
            )
        if project.config.metadata:
            seen = project.application_tables
            for table, location in () if project.doubts else project.source.models():
                if table not in seen:
                    yield self.finding(
                        f"the table {table} is in no metadata once the application is imported, so no "
                        "migration makes it; import its module where the application is put together",
                        location,
                        table,
                    )

    def _identifiers(self, migrations: Sequence[Migration]) -> Iterator[Finding]:
        counted = Counter(migration.revision for migration in migrations)
        names = set(counted).union(*(migration.labels for migration in migrations))
        for each in migrations:
            if each.problem:
                yield self.finding(f"this migration {each.problem}", each.location)
            elif counted[each.revision] > 1:
                yield self.finding(
                    f"the revision {each.revision} is there {counted[each.revision]} times; "
                    "give this one an identifier of its own",
                    each.location,
                    each.revision,
                )
            for parent in (*each.parents, *each.depends_on):
                if parent not in (names if parent in each.depends_on else counted):
                    yield self.finding(
                        f"the revision {each.revision} follows {parent}, which does not exist; "
                        "name the revision that it follows",
                        each.location,
                        each.revision,
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
                message = f"there are {len(ends)} {kind}: {listed}; {advice}"
                yield self.finding(message, ends[-1].location, ends[-1].revision)
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
                f"the revisions {names} follow each other in a circle; let one follow what is outside it",
                circle[0].location,
                circle[0].revision,
            )
