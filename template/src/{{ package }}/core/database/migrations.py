# Owned by the template.
"""Migrations: under a lock, with timeouts, in one line (DB008); and the comparison of a database with the models."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import structlog
from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.operations.ops import CreateCheckConstraintOp, DropConstraintOp
from alembic.runtime.migration import MigrationContext
from alembic.runtime.plugins import Plugin
from alembic.script import ScriptDirectory
from alembic.util import PriorityDispatchResult
from sqlalchemy import URL, CheckConstraint, Connection, Enum, MetaData, Table, text
from sqlalchemy.sql.naming import conv

from ..settings import CoreSettings, project_root
from ._engine import migration_engine, read_only_engine
from ._integers import BoundedInteger
from ._model import Model, UtcDateTime

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext
    from alembic.operations.ops import ModifyTableOps

__all__ = [
    "MigrationLockError",
    "differences",
    "new_migration",
    "newest_revision",
    "pending",
    "run_migrations",
    "upgrade",
]

_LOCK_KEY: Final = 0x6D696772  # "migr", the same for every replica of every service: locks are per database
_LOCK_POLL_SECONDS: Final = 0.25

log = structlog.get_logger(__name__)


class MigrationLockError(Exception):
    """Another process held the migration lock for too long."""


def upgrade(settings: CoreSettings) -> tuple[str | None, str | None]:
    """Migrate the database to the newest revision; several processes may do so at once.

    Returns:
        The revision before and after.

    Raises:
        MigrationLockError: another process held the lock for longer than `MIGRATION_LOCK_SECONDS`.
    """
    config = _config(settings)
    before = _current(settings)
    command.upgrade(config, "head")
    return before, _current(settings)


def pending(settings: CoreSettings) -> list[str]:
    """The revisions that the database lacks, the oldest first; empty when it is up to date."""
    script = ScriptDirectory.from_config(_config(settings))
    current = _current(settings)
    return [each.revision for each in script.iterate_revisions("head", current or "base")][::-1]


def newest_revision(settings: CoreSettings) -> str | None:
    """The revision that this code needs, read from the migration files."""
    return ScriptDirectory.from_config(_config(settings)).get_current_head()


def new_migration(settings: CoreSettings, message: str) -> Path | None:
    """Write a migration for what the models have and the database has not; None when there is nothing.

    The database must be at the newest revision.
    """
    config = _config(settings)
    if not differences(settings.database, Model.metadata):
        return None
    script = ScriptDirectory.from_config(config)
    number = sum(1 for _ in script.walk_revisions()) + 1
    made = command.revision(config, message, autogenerate=True, rev_id=f"{number:04d}_{secrets.token_hex(3)}")
    if made is None or isinstance(made, list):
        raise TypeError(f"Alembic made {made!r} where one revision was asked for")
    return Path(made.path)


def run_migrations(settings: CoreSettings) -> None:
    """What `migrations/env.py` does: run what was asked for, against the settings' database or as SQL text."""
    url = settings.database
    options: dict[str, Any] = {
        **_OPTIONS,
        "target_metadata": Model.metadata,
        # On PostgreSQL too, where it changes nothing: what is written there has to run on SQLite.
        "render_as_batch": True,
        "render_item": _render_item,
    }
    if context.is_offline_mode():
        context.configure(url=url, literal_binds=True, dialect_opts={"paramstyle": "named"}, **options)
        with context.begin_transaction():
            context.run_migrations()
        return
    engine = migration_engine(url, settings)
    sqlite = engine.dialect.name == "sqlite"
    with _lock(settings), engine.connect() as connection:
        # SQLite: one transaction, whose write lock is the lock. PostgreSQL: one for each migration, so that one
        # may build an index concurrently in an autocommit block.
        context.configure(
            connection=connection, transactional_ddl=True, transaction_per_migration=not sqlite, **options
        )
        with context.begin_transaction():
            context.run_migrations()
            if sqlite:
                _refuse_broken_references(connection)


def differences(url: URL, metadata: MetaData) -> list[str]:
    """How a database differs from the models, one line each; read-only.

    Raises:
        sqlalchemy.exc.DBAPIError: the database cannot be reached.
    """
    with read_only_engine(url).connect() as connection:
        compared = compare_metadata(MigrationContext.configure(connection, opts=_OPTIONS), metadata)
        return sorted(line for each in compared for line in _describe(each))


def _config(settings: CoreSettings) -> Config:
    config = Config()
    config.set_main_option("script_location", str(project_root() / "migrations").replace("%", "%%"))
    config.attributes["settings"] = settings
    return config


def _current(settings: CoreSettings) -> str | None:
    url = settings.database
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        return None
    with read_only_engine(url).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _lock(settings: CoreSettings) -> Iterator[None]:
    """Hold PostgreSQL's advisory lock; on SQLite the transaction is the lock.

    Failure: a replica that waited inside `pg_advisory_lock` held a snapshot, and `CREATE INDEX CONCURRENTLY`
    in the replica that had the lock waited for that snapshot. So the lock is tried, not waited for.
    """
    if settings.database.get_backend_name() == "sqlite":
        yield
        return
    engine = migration_engine(settings.database, settings).execution_options(isolation_level="AUTOCOMMIT")
    deadline = time.monotonic() + settings.migration_lock_seconds
    with engine.connect() as connection:
        while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK_KEY}):
            if time.monotonic() > deadline:
                raise MigrationLockError(
                    f"another process has been migrating for {settings.migration_lock_seconds:g} s: "
                    "look at it, then run migrate again"
                )
            log.info("waiting for another process to finish migrating")
            time.sleep(_LOCK_POLL_SECONDS)
        yield


def _refuse_broken_references(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        raise ValueError(f"the migration leaves {len(broken)} rows whose reference is gone, first in {broken[0][0]}")


def _render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    # A migration is history: it names SQLAlchemy's types, not ours, which may change.
    if kind == "type" and isinstance(item, BoundedInteger):
        return 'sa.BigInteger().with_variant(sa.Integer(), "sqlite")'
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Enum) and not item.native_enum:
        # Its CHECK stands beside it, by name: SQLite does not add one together with a column.
        return f"sa.String(length={item.length})"
    if kind == "check" and isinstance(item, CheckConstraint):
        name = f"op.f({str(item.name)!r})" if isinstance(item.name, conv) else repr(item.name)
        return f"sa.CheckConstraint({_sql(item)!r}, name={name})"
    return False


def _compare_checks(
    context: AutogenContext,
    changes: ModifyTableOps,
    schema: str | None,
    name: str,
    present_table: Table | None,
    wanted_table: Table | None,
) -> PriorityDispatchResult:
    """Compare CHECK constraints by their names and the texts that they name.

    Failure: Alembic compares none of them, so a value added to an enumeration was in the models and not in the
    database, which refused each row with it.
    """
    if present_table is None or wanted_table is None or context.inspector is None:
        return PriorityDispatchResult.CONTINUE
    wanted = {str(each.name): each for each in wanted_table.constraints if isinstance(each, CheckConstraint)}
    present = {
        str(each["name"]): CheckConstraint(each["sqltext"], name=conv(str(each["name"])), table=present_table)
        for each in context.inspector.get_check_constraints(name, schema=schema)
        if each["name"]
    }
    for each in sorted(wanted.keys() | present.keys()):
        if each in wanted and each in present and _texts(wanted[each]) == _texts(present[each]):
            continue
        if each in present:
            changes.ops.append(DropConstraintOp.from_constraint(present[each]))
        if each in wanted:
            changes.ops.append(CreateCheckConstraintOp.from_constraint(wanted[each]))
    return PriorityDispatchResult.CONTINUE


_checks = Plugin(f"{__name__}.checks")
_checks.add_autogenerate_comparator(_compare_checks, "table", "checkconstraints")
_OPTIONS: Final[dict[str, Any]] = {
    "compare_server_default": True,
    "autogenerate_plugins": ["alembic.autogenerate.*", f"{__name__}.checks"],
}


def _sql(check: CheckConstraint) -> str:
    return str(check.sqltext.compile(compile_kwargs={"literal_binds": True, "include_table": False}))


def _texts(check: CheckConstraint) -> set[str]:
    return set(re.findall(r"'(?:[^']|'')*'", _sql(check)))


def _describe(difference: Any) -> Iterator[str]:
    if isinstance(difference, list):
        for each in difference:
            yield from _describe(each)
        return
    action, *details = difference
    what = action.replace("_", " ")
    if action.startswith("modify_"):
        _, table, column, _, present, wanted = details
        yield f"{what}: {table}.{column} is {_name(present)} in the database, {_name(wanted)} in the models"
    else:
        yield f"{what}: {_name(details[-1])}"


def _name(item: Any) -> str:
    if (table := getattr(item, "table", None)) is None:
        return str(getattr(item, "name", None) or getattr(item, "arg", item))
    columns = getattr(item, "columns", ())
    listed = f" ({', '.join(column.name for column in columns)})" if columns else ""
    if isinstance(item, CheckConstraint):
        listed = f" ({_sql(item)})"
    targets = ", ".join(element.target_fullname for element in getattr(item, "elements", ()))
    on_delete = f" on delete {item.ondelete}" if getattr(item, "ondelete", None) else ""
    return f"{table.name}.{item.name}{listed}{' -> ' + targets if targets else ''}{on_delete}"
