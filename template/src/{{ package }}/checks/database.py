# Owned by the template.
"""DB: guards of tables, references and migrations."""

from __future__ import annotations

import ast
import contextlib
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ._config import FILE
from ._facts import Facts, Migration, Reference, Setting, Table
from ._findings import DoesNotApply, Finding, Guard, Place
from ._names import FUNCTIONS, Names

if TYPE_CHECKING:
    from ._statements import Upsert

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
BITS = {"bits", "bit"}
DIMENSIONS = {"dims", "dim", "dimensions", "dimension", "axes"}
FILL = {"n", "num", "number", "count", "of", "per", "each", "depth"}
ENGINES = {"create_engine", "create_async_engine", "engine_from_config", "async_engine_from_config"}


def _subject(table: Table, reference: Reference) -> str:
    return f"{table.name}.{','.join(reference.columns)}"


class DB001(Guard):
    """A number that may be wider than its column.

    Told is where a column of a plain integer type (`BigInteger` holds 63 bits, `Integer` 31, `SmallInteger` 15) is given
    a number that nothing bounds, or that is known to be wider: by a shift or a power of something unknown, a product that
    grows in a loop, a number read from a text or from bytes, `UUID.int`, a hash or a time in nanoseconds in an `Integer`; as
    an argument of the model, an attribute, a value of a statement, also when a function of the project computes it. And
    settings that are called alike but for `bits` and `dimensions` (`dims`), whose product is over 63 as they are loaded,
    where a function that reads both also shifts.

    Quiet are: a type that checks its values itself, such as a bounded integer; what has a validator in its class; foreign
    keys; sums, differences and products of numbers of which nothing is known; what is masked (`& 0xFFFF`), taken modulo,
    cut by `min`, or compared before (`if number > LIMIT: raise`).
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        settings = list(facts.numbers)
        yield from self._settings(facts, settings)
        for each in facts.statements.writes():
            wide = (
                "a number that nothing bounds"
                if math.isinf(each.width)
                else f"a number of {math.ceil(each.width)} bits"
            )
            subject = f"{each.table}.{each.column.name}"
            yield self.finding(
                f"{subject} is {each.column.kind}, which holds {each.column.bits} bits, and is given {wide}; declare the "
                "column's bound in its type, check the number where it comes in, or keep its low bits (& (2**63 - 1))",
                each.place,
                subject,
            )

    def _settings(self, facts: Facts, settings: Sequence[Setting]) -> Iterator[Finding]:
        for bits, dimensions in _products(settings):
            together = {bits.name.rpartition(".")[2], dimensions.name.rpartition(".")[2]}
            if bits.value * dimensions.value > 63 and facts.statements.shifts(together):
                yield self.finding(
                    f"{bits.name} is {bits.value} and {dimensions.name} {dimensions.value}: they make a number of "
                    f"{bits.value * dimensions.value} bits, and a BIGINT holds 63; lower one of the two, and check their "
                    "product when the settings load",
                    bits.find(),
                    bits.name,
                )


class DB002(Guard):
    """A reference to an authentication table where a user is meant.

    How somebody proves who they are comes and goes; who they are stays. Refer to the users table.

    Which tables are authentication's is declared, in `authentication-tables`; they may refer to each
    other. A declared table that is not there is named too: renaming it must not end the watch. Migrations are read as well:
    a reference that one of them makes, and no later one drops, is in the database whatever the models say.
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
        for each in facts.migrated:
            if each.table.rpartition(".")[2] not in {name.rpartition(".")[2] for name in declared}:
                yield self.finding(
                    f"this migration lets {each.subject} refer to {each.target}, which says how somebody logs in; "
                    f"refer to {users}, in a further migration where this one has run",
                    each.place,
                    each.subject,
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
            if facts.source.is_environment(use.place.file):
                continue
            if opens and not any(use.module == maker or use.module.startswith(f"{maker}.") for maker in makers):
                yield self.finding(
                    f"{use.name}() opens a database of its own, whatever DATABASE_URL says; use the session that is "
                    f"handed to you{f', or make the engine in {makers[0]}' if makers else ''}",
                    use.place,
                    use.name,
                )


class DB004(Guard):
    """An upsert whose conflict target is no unique key of its table.

    PostgreSQL refuses each such write; SQLite may hide it.

    What counts: the target of each `on_conflict_do_update` and `on_conflict_do_nothing`, of each SQL text with `INSERT ... ON
    CONFLICT` (in migrations too), and the `key` of the functions that `upserts` names, where table and target are written
    out. It has to be, in any order, all the columns of the primary key, of a unique constraint that is not deferrable, or of a
    unique index; of an index over some of the rows only with `index_where`; or the name of a constraint. In a migration a key
    that any migration made counts. Quiet are: a target that is computed or has an expression, and tables that are not ours.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        if not facts.tables:
            raise DoesNotApply("there are no tables")
        historic: set[frozenset[str]] | None = None
        for each in facts.statements.upserts():
            if self._fits(each):
                continue
            if each.historic:
                historic = facts.statements.historic_keys() if historic is None else historic
                if each.constraint or frozenset(each.columns) in historic:
                    continue
            target = each.constraint or f"({', '.join(each.columns)})"
            listed = ", ".join(
                f"({', '.join(key.columns)})" + " where ..." * key.partial for key in each.table.uniques if key.columns
            )
            yield self.finding(
                f"the conflict target {target} is no unique key of {each.table.name}, which has {listed or 'none'}; "
                "name one of them whole, or make a unique constraint for it",
                each.place,
                f"{each.table.name}.{','.join(each.columns) or each.constraint}",
            )

    @staticmethod
    def _fits(upsert: Upsert) -> bool:
        if upsert.constraint:
            # PostgreSQL cuts names after 63 bytes.
            names = {key.name[:63] for key in upsert.table.uniques if key.constraint}
            return upsert.constraint[:63] in names
        wanted = set(upsert.columns)
        keys = [key for key in upsert.table.uniques if upsert.partial or not key.partial]
        return any(key.columns and set(key.columns) == wanted for key in keys)


class DB005(Guard):
    """A foreign key whose columns lead no index.

    Each deletion of the row it refers to, and each look from there, then reads the whole table, under a lock.

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


class DB007(Guard):
    """A transaction that is begun or ended by hand.

    What counts: `commit`, `rollback` and `begin` of a session, a connection, an engine or a transaction of SQLAlchemy, called,
    passed on or kept under another name, and SQL that says as much (`text("COMMIT")`), in every module of the package
    that `commits` does not name. Where nothing tells what something is, its name does (`db`, `session`, `conn`, ...). Quiet
    are savepoints (`begin_nested`), and what other things commit: a consumer, a repository.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        allowed = facts.config.commits
        if not allowed:
            raise DoesNotApply("no `commits` in [tool.hardening]: the modules that begin and end transactions")
        for each in facts.sessions.ends():
            if not any(each.module == name or each.module.startswith(f"{name}.") for name in allowed):
                yield self.finding(
                    f"{each.name} {'begins' if each.how == 'begin' else 'ends'} a transaction by hand, so an error "
                    f"after it leaves half of the work behind; leave that to {allowed[0]}, or use begin_nested()",
                    each.place,
                    each.name,
                )


class DB008(Guard):
    """Migrations that are not one line, or do not see every model.

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


class DB009(Guard):
    """A commit that runs after the response is sent.

    FastAPI runs what stands behind the `yield` of a dependency when the response is on its way; with `scope="function"` it
    does so before.

    What counts: a dependency with `yield` that commits when it ends (a `commit()` after the yield, or a yield inside of
    `begin()`, of a context manager or a function of the project that commits), used without `scope="function"`: at each
    `Depends` that names it, else, where a route of the application has it by another way, at the function. Quiet are: one
    that only closes its session, those of websockets, and a FastAPI that knows no scopes.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        told: set[Place] = set()
        for names, function, place in facts.sessions.dependencies():
            if facts.sessions.commits_late(names, function):
                told.add(_first(names, function))
                yield self._told(getattr(function, "name", "it"), place)
        with contextlib.suppress(DoesNotApply):
            late = {each.place for each in facts.late_dependencies}
            for names in facts.source.own if late - told else ():
                for node, _ in names:
                    if not isinstance(node, FUNCTIONS) or _first(names, node) not in late - told:
                        continue
                    if facts.sessions.commits_late(names, node):
                        yield self._told(node.name, Place(names.file.path, node.lineno))

    def _told(self, name: str, place: Place) -> Finding:
        return self.finding(
            f"{name} commits after the response was sent, so a failed commit has answered 2xx; "
            'let it end first: Depends(..., scope="function")',
            place,
            name,
        )


def _first(names: Names, function: ast.AST) -> Place:
    """Where Python says that a function begins: at its first decorator."""
    lines = [each.lineno for each in getattr(function, "decorator_list", ())]
    return Place(names.file.path, min([*lines, getattr(function, "lineno", 0)]))


class DB010(Guard):
    """Tables that are made or dropped around the migrations.

    `create_all` makes what is missing and changes nothing that is there, so migrations no longer say what is there.

    What counts: `create_all` and `drop_all` of a metadata, `create` and `drop` of a `__table__`, called or passed on
    (`run_sync(Base.metadata.create_all)`), and `CREATE TABLE` or `DROP TABLE` in what is executed, in every module of the
    package. Quiet are: tests, migrations, temporary tables, and what other things call so.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        for name, place in facts.sessions.made_tables():
            yield self.finding(
                f"{name} makes or drops tables around the migrations, which then no longer say what is there; "
                "make a migration, and run the migrations where the tables are needed",
                place,
                name,
            )


class DB011(Guard):
    """An attribute that asks the database when it is read.

    In a list of a hundred rows that is a hundred queries; in an asynchronous session it is a `MissingGreenlet`.

    What counts: a relationship that is `lazy="select"` (SQLAlchemy's default), `"dynamic"` or `"immediate"`, that of a `backref`
    included, and a deferred column, on each mapped class of the metadata. Quiet are those that come with the row (`"selectin"`,
    `"joined"`, `"subquery"`), that raise instead (`"raise"`, `"raise_on_sql"`, `deferred_raiseload=True`), and
    `"write_only"` and `"noload"`.
    """

    at_start = True

    def judge(self, facts: Facts) -> Iterator[Finding]:
        for each in facts.loading:
            yield self.finding(
                f"{each.name} ({each.how}) asks the database each time that it is read for the first time; declare it with "
                'lazy="raise" (a column with deferred_raiseload=True), and load it in the queries that need it',
                each.find(),
                each.name,
            )


class DB012(Guard):
    """A connection to the database that is held while something else is waited for.

    A pool has a few connections. Where each waits with its owner for another service, that service decides when everybody
    else gets one.

    What counts, from the first statement of a session to its commit, rollback or end, and from `engine.connect()` or
    `engine.begin()` to theirs: a call over HTTP (httpx, requests, aiohttp, urllib), of Redis, of a client of a provider, of
    mail, of each class below `client-base`, and of the modules that `outgoing` names; a sleep; and in a generator that a
    `StreamingResponse`, an `EventSourceResponse` or a route sends, a `yield`. Found are calls through the project's own
    functions too, and a session of the request that a dependency has used before.
    Quiet are: what is asked before the first statement, after the commit or outside of the session's block; sessions that
    nothing was said through; what is put into a job; a stream of rows that were read before; what a start, a command or a
    script does.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        known = {each.top for each in facts.source.imports}
        if not known & {"sqlalchemy", "sqlmodel", "flask_sqlalchemy", "asyncpg", "psycopg_pool"}:
            raise DoesNotApply("nothing here has a pool of connections")
        for each in facts.held_connections.found():
            since = f" since line {each.since}" if each.since else ""
            yield self.finding(
                f"{each.holder} holds a connection to the database{since}, and here it is kept until {each.what} is done, so "
                "that a few slow answers leave none for anybody else; wait before the first statement, or after the session "
                "is left, or in a job",
                each.place,
                each.what.partition("(")[0],
            )


def _products(settings: Sequence[Setting]) -> Iterator[tuple[Setting, Setting]]:
    """Settings that are called alike, but one is about bits and the other one about dimensions."""
    for bits in settings:
        for other in settings:
            one, two = (re.split(r"[._]", each.name.lower()) for each in (bits, other))
            if (BITS & set(one)) and (DIMENSIONS & set(two)) and not BITS & set(two):
                rest = [[word for word in each if word not in FILL | BITS | DIMENSIONS] for each in (one, two)]
                if rest[0] == rest[1]:
                    yield bits, other


GUARDS = (DB001, DB002, DB003, DB004, DB005, DB007, DB008, DB009, DB010, DB011, DB012)
