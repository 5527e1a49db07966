"""Section `tables`: the tables of the metadata, with their columns, keys and references."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    UniqueConstraint,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.elements import UnaryExpression

from ._metadata import Declarations, metadata_of
from ._world import World

#: The bits of a number that the integer types of SQL hold, its sign apart.
BITS: tuple[tuple[type, int], ...] = ((BigInteger, 63), (SmallInteger, 15), (Integer, 31))
#: The kinds of index that find the rows with one value.
LOOKUP = {"", "btree", "hash"}


def gather(world: World) -> list[dict[str, Any]]:
    """The tables, each as the record `Table`."""
    metadata = metadata_of(world)
    declared = Declarations(world, metadata)
    early = set(world.application_tables)
    return [_table(table, declared, early) for table in metadata.tables.values()]


def column_of(column: Column[Any]) -> dict[str, Any]:
    """A column as the record `Column`. What refers to another table has that table's width, whatever its type says."""
    kind = column.type
    bits = next((bits for base, bits in BITS if isinstance(kind, base)), 0)
    return {
        "name": column.name,
        "kind": type(kind).__name__,
        "bits": 0 if column.foreign_keys else bits,
        # A type of the project's own is left out: it may take care of zones.
        "naive": isinstance(kind, DateTime) and not kind.timezone,
    }


def _table(table: Table, declared: Declarations, early: set[str]) -> dict[str, Any]:
    references = [
        {"columns": columns, "target": _target(each), "location": declared.location(table, columns[0])}
        for each in table.foreign_key_constraints
        if (columns := [column.name for column in each.columns])
    ]
    plain = [{**column_of(each), "location": declared.location(table, each.key)} for each in table.columns]
    return {
        "name": table.name,
        "schema": table.schema or "",
        "references": sorted(references, key=lambda each: each["columns"]),
        "keys": list(_leading_keys(table)),
        "uniques": list(_uniques(table)),
        "columns": plain,
        "by_application": table.name in early,
    }


def _leading_keys(table: Table) -> Iterator[list[str]]:
    yield [column.name for column in table.primary_key.columns]
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield [column.name for column in constraint.columns]
    for index in table.indexes:
        if key := list(_leading(index)):
            yield key


def _uniques(table: Table) -> Iterator[dict[str, Any]]:
    for constraint in sorted(table.constraints, key=lambda each: str(each.name)):
        if isinstance(constraint, (PrimaryKeyConstraint, UniqueConstraint)) and not constraint.deferrable:
            columns = [column.name for column in constraint.columns]
            name = constraint.name if isinstance(constraint.name, str) else _default_name(table, constraint)
            if columns:
                yield {"columns": columns, "name": str(name)}
    for index in sorted(table.indexes, key=lambda each: str(each.name)):
        if index.unique:
            plain = all(isinstance(each, Column) for each in index.expressions)
            where = any(options.get("where") is not None for options in index.dialect_options.values())
            columns = list(index.columns.keys()) if plain else []
            yield {"columns": columns, "name": str(index.name or ""), "constraint": False, "partial": where}


def _default_name(table: Table, constraint: PrimaryKeyConstraint | UniqueConstraint) -> str:
    """The name that PostgreSQL gives to a constraint without one."""
    if isinstance(constraint, PrimaryKeyConstraint):
        return f"{table.name}_pkey"
    return "_".join((table.name, *(column.name for column in constraint.columns), "key"))


def _target(constraint: ForeignKeyConstraint) -> str:
    try:
        return str(constraint.referred_table.fullname)
    except SQLAlchemyError:  # the table it names is not in the metadata
        return str(constraint.elements[0].target_fullname.rpartition(".")[0])


def _leading(index: Index) -> Iterator[str]:
    """The plain columns an index starts with; none when it holds only some rows, or cannot find one."""
    options = {key.partition("_")[2]: value for key, value in index.dialect_kwargs.items()}
    if str(options.get("using") or "").lower() not in LOOKUP:
        return
    names = []
    for expression in index.expressions:
        inner: object = expression
        while isinstance(inner, UnaryExpression) and inner.modifier is not None:
            inner = inner.element  # descending, nulls last
        if not isinstance(inner, Column):
            break
        names.append(inner.name)
    where = options.get("where")
    if where is not None:
        # Rows in which the column is null refer to nothing; to leave out any others is to miss them.
        for part in re.split(r"\s+AND\s+", str(where), flags=re.IGNORECASE):
            match = re.fullmatch(r'\W*(?:"?\w+"?\.)*"?(\w+)"?\s+IS\s+NOT\s+NULL\W*', part, re.IGNORECASE)
            if not match or match[1] not in names:
                return
    yield from names
