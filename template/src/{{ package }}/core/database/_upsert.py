# Owned by the template.
"""Insert or update, with the conflict target worked out from the model's keys (DB004)."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, UniqueConstraint, inspect
from sqlalchemy.ext.asyncio import AsyncSession

from ._model import Model

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert

__all__ = ["UpsertTargetError", "upsert"]

M = TypeVar("M", bound=Model)


class UpsertTargetError(ValueError):
    """The columns that an upsert names are no unique key of the table."""


async def upsert(
    session: AsyncSession, model: type[M], values: Mapping[str, Any], *, key: Sequence[str] | None = None
) -> M:
    """Write one row, or update the row that has the same key, in one statement.

    Args:
        session: the unit of work it happens in.
        model: the mapped class.
        values: attribute names to values, those of the key included.
        key: attribute names of the unique key that may conflict; the primary key if it is left out.

    Returns:
        The row as it is now in the database.

    Raises:
        UpsertTargetError: `key` is no unique key of the table, on every engine, before anything is sent.
            PostgreSQL would refuse each write, SQLite hides it.
    """
    mapper = inspect(model)
    table = cast("Table", mapper.local_table)
    names = {attribute.key: attribute.columns[0].name for attribute in mapper.column_attrs}
    if unknown := sorted({*values, *(key or ())} - names.keys()):
        raise UpsertTargetError(f"{model.__name__} has no {', '.join(unknown)}; it has: {', '.join(names)} (DB004)")
    keys = _unique_keys(table)
    wanted = tuple(column.name for column in table.primary_key) if key is None else tuple(names[name] for name in key)
    if frozenset(wanted) not in {frozenset(each) for each in keys}:
        listed = ", ".join("(" + ", ".join(each) + ")" for each in keys)
        raise UpsertTargetError(
            f"({', '.join(wanted)}) is no unique key of {table.name}, which has: {listed}. Name one of them whole (DB004)"
        )
    if missing := [name for name in wanted if name not in {names[each] for each in values}]:
        raise UpsertTargetError(f"the values for {table.name} lack {', '.join(missing)} of the key (DB004)")

    # The engine has loaded its dialect; importing both here would cost a tenth of a start-up.
    dialect = importlib.import_module(f"sqlalchemy.dialects.{session.get_bind().dialect.name}")
    row = {names[name]: value for name, value in values.items()}
    statement: Insert = dialect.insert(model).values(dict(values))
    changed: dict[str, Any] = {name: statement.excluded[name] for name in row if name not in wanted}
    changed = _onupdate(table, row) | changed or {wanted[0]: statement.excluded[wanted[0]]}
    result = await session.scalars(
        statement.on_conflict_do_update(index_elements=list(wanted), set_=changed).returning(model),
        execution_options={"populate_existing": True},
    )
    return result.one()


def _onupdate(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    # SQLAlchemy leaves `onupdate` out of what a conflict updates, and a time of change stood still.
    found: dict[str, Any] = {}
    for column in table.columns:
        default: Any = column.onupdate
        if default is not None and column.name not in row:
            found[column.name] = default.arg(None) if default.is_callable else default.arg
    return found


def _unique_keys(table: Table) -> list[tuple[str, ...]]:
    keys = [
        tuple(column.name for column in constraint.columns)
        for constraint in table.constraints
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint) and not constraint.deferrable
    ]
    keys += [tuple(column.name for column in index.columns) for index in table.indexes if _is_key(index)]
    return sorted(set(keys))


def _is_key(index: Index) -> bool:
    partial = any(options.get("where") is not None for options in index.dialect_options.values())
    return bool(index.unique) and not partial and all(isinstance(each, Column) for each in index.expressions)
