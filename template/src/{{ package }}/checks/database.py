# Owned by the template.
"""DB: guards of tables, references and migrations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ._config import FILE
from ._facts import Facts, Migration, Reference, Table
from ._findings import DoesNotApply, Finding, Guard, Place

DRIVERS = {
    "sqlite3",
    "aiosqlite",
    "apsw",
    "psycopg",
    "psycopg2",
    "psycopg_pool",
    "asyncpg",
    "pg8000",
    "pymysql",
    "MySQLdb",
}
DRIVERS |= {"aiomysql", "asyncmy", "oracledb", "pyodbc", "duckdb"}
CONNECTS = {"connect", "Connection", "AsyncConnection", "ConnectionPool", "AsyncConnectionPool", "create_pool", "Pool"}
ENGINES = {"create_engine", "create_async_engine", "engine_from_config", "async_engine_from_config"}


def _subject(table: Table, reference: Reference) -> str:
    return f"{table.name}.{','.join(reference.columns)}"


class DB002(Guard):
    """A table refers to an authentication table where it means a user.

    A "created by" pointed at the table of web logins, so each record made with an API key by
    somebody who had never logged in on the web was refused. How somebody proves who they are comes
    and goes; who they are stays. Refer to the users table.

    Which tables are authentication's is declared, in `authentication-tables`; they may refer to each
    other. A declared table that is not there is named too: renaming it must not end the watch.
    """

    at_start = True

    def judge(self, facts: Facts) -> Iterator[Finding]:
        declared = facts.config.authentication_tables
        if not declared:
            raise DoesNotApply("no `authentication-tables` in [tool.hardening]")
        users = facts.config.users_table or "the users table"
        tables = facts.tables
        for table in tables:
            for reference in table.references:
                target = reference.target, reference.target.rpartition(".")[2]
                if not table.called(*declared) and not set(declared).isdisjoint(target):
                    subject = _subject(table, reference)
                    yield self.finding(
                        f"{subject} refers to {reference.target}, which says how somebody logs in; refer to {users}",
                        reference.find(),
                        subject,
                    )
        for name in () if facts.doubt else declared:
            if not any(table.called(name) for table in tables):
                yield self.finding(
                    f"authentication-tables names {name}, and there is no such table; correct the name",
                    Place(FILE),
                    name,
                )


class DB003(Guard):
    """A connection to a database that the service's settings know nothing of.

    A call of a driver (`sqlite3.connect`, psycopg, asyncpg, ...) or of SQLAlchemy's `create_engine` and its like outside
    of the modules that make engines, however the name got there. Those are named in `engines`.
    Quiet are: an import for a type or an exception, and what tests and migrations do.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        makers = facts.config.engines
        for use in facts.source.uses:
            root, _, rest = use.name.partition(".")
            opens = (root in DRIVERS and rest.rpartition(".")[2] in CONNECTS) or (
                root == "sqlalchemy" and use.last in ENGINES
            )
            if opens and not any(use.module == maker or use.module.startswith(f"{maker}.") for maker in makers):
                yield self.finding(
                    f"{use.name}() opens a database of its own, whatever DATABASE_URL says; use the session that is "
                    f"handed to you{f', or make the engine in {makers[0]}' if makers else ''}",
                    use.place,
                    use.name,
                )


class DB005(Guard):
    """A foreign key whose columns lead no index.

    Each deletion of the row it refers to, and each look from there, then reads the whole table, under
    a lock. It was on the list for the next sprint for a month. Declare an index.

    What counts: a primary key, a unique constraint or an index (B-tree or hash) that begins with all
    of the key's columns, in any order. An index on an expression does not count, nor one over some of
    the rows, except those where its own columns are not null.
    """

    at_start = True

    def judge(self, facts: Facts) -> Iterator[Finding]:
        for table in facts.tables:
            for reference in table.references:
                columns = set(reference.columns)
                if not any(set(key[: len(columns)]) == columns for key in table.keys):
                    subject = _subject(table, reference)
                    yield self.finding(
                        f"{subject} refers to {reference.target} and no index begins with it; "
                        "declare one (index=True on the column)",
                        reference.find(),
                        subject,
                    )


class DB008(Guard):
    """The migrations are not one line, or do not see every model.

    Two people branched from one parent, or a parent was named that does not exist, and the deployment
    stopped at `Multiple head revisions`. A model whose module nothing imports gets no table at all.

    Exactly one base and one head; each parent exists; no identifier twice; each class with a
    `__tablename__` is in the metadata once the application is imported. Branches that a merge joins
    again are fine. After a pull: let your revision follow the other one (`down_revision`).
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        migrations = facts.source.migrations
        # A parent that is misspelt makes a second head as well: the cause is told, its effects are not.
        findings = list(self._identifiers(migrations)) or list(self._line(migrations))
        yield from findings
        if not migrations:
            if not facts.tables:
                raise DoesNotApply("there are neither tables nor migrations")
            folder = facts.config.migrations
            yield self.finding(
                f"there are {len(facts.tables)} tables and no migration in {folder}; make the first one",
                Place(folder),
            )
        if facts.config.metadata:
            seen = facts.application_tables
            for table, place in () if facts.doubt else facts.source.models():
                if table not in seen:
                    yield self.finding(
                        f"the table {table} is in no metadata once the application is imported, so no "
                        "migration makes it; import its module where the application is put together",
                        place,
                        table,
                    )

    def _identifiers(self, migrations: Sequence[Migration]) -> Iterator[Finding]:
        counted = Counter(migration.revision for migration in migrations)
        names = set(counted).union(*(migration.labels for migration in migrations))
        for each in migrations:
            if each.problem:
                yield self.finding(f"this migration {each.problem}", each.place)
            elif counted[each.revision] > 1:
                yield self.finding(
                    f"the revision {each.revision} is there {counted[each.revision]} times; "
                    "give this one an identifier of its own",
                    each.place,
                    each.revision,
                )
            for parent in (*each.parents, *each.depends_on):
                if parent not in (names if parent in each.depends_on else counted):
                    yield self.finding(
                        f"the revision {each.revision} follows {parent}, which does not exist; "
                        "name the revision that it follows",
                        each.place,
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
                listed = ", ".join(f"{each.revision} ({each.place})" for each in ends)
                message = f"there are {len(ends)} {kind}: {listed}; {advice}"
                yield self.finding(message, ends[-1].place, ends[-1].revision)
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
                circle[0].place,
                circle[0].revision,
            )


GUARDS = (DB002, DB003, DB005, DB008)
