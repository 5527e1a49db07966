"""Facts from the metadata: tables, what they refer to, and which columns an index leads with."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy import Table as Sql
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.elements import UnaryExpression

from ..model import NOWHERE, CouldNotLook, Location, belongs
from ..records import Column as Plain
from ..records import Key, Reference, Table

#: How many bits a number may have in the integer types of SQL, its sign apart.
BITS: dict[type, int] = {BigInteger: 63, SmallInteger: 15, Integer: 31}
#: The kinds of index that find the rows that have one value.
LOOKUP = {"", "btree", "hash"}


def gather(metadata: object, root: Path) -> list[Table]:
    if not isinstance(metadata, MetaData):
        raise CouldNotLook(f"the metadata is a {type(metadata).__name__}, not a sqlalchemy.MetaData")
    classes = Classes(root)
    return [_table(table, classes) for table in metadata.tables.values()]


def _table(table: Sql, classes: Classes) -> Table:
    keys = [tuple(column.name for column in table.primary_key.columns)]
    keys += [
        tuple(column.name for column in constraint.columns)
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    ]
    keys += [key for index in table.indexes if (key := tuple(_leading(index)))]
    references = [
        Reference(columns, _target(constraint), functools.partial(classes.location, table, columns))
        for constraint in table.foreign_key_constraints
        if (columns := tuple(column.name for column in constraint.columns))
    ]
    references.sort(key=lambda reference: reference.columns)
    plain = tuple(column_of(column) for column in table.columns)
    return Table(table.name, table.schema or "", tuple(references), tuple(keys), tuple(_uniques(table)), plain)


def column_of(column: Column[Any]) -> Plain:
    """A column. What refers to another table has that table's width, whatever its own type says."""
    bits = next((bits for kind, bits in BITS.items() if isinstance(column.type, kind)), 0)
    return Plain(column.name, type(column.type).__name__, 0 if column.foreign_keys else bits)


def _uniques(table: Sql) -> Iterator[Key]:
    for constraint in sorted(table.constraints, key=lambda each: str(each.name)):
        if isinstance(constraint, (PrimaryKeyConstraint, UniqueConstraint)) and not constraint.deferrable:
            columns = tuple(column.name for column in constraint.columns)
            if columns:
                yield Key(
                    columns, constraint.name if isinstance(constraint.name, str) else _by_itself(table, constraint)
                )
    for index in sorted(table.indexes, key=lambda each: str(each.name)):
        if index.unique:
            plain = all(isinstance(each, Column) for each in index.expressions)
            where = any(options.get("where") is not None for options in index.dialect_options.values())
            yield Key(
                tuple(index.columns.keys()) if plain else (), str(index.name or ""), constraint=False, partial=where
            )


def _by_itself(table: Sql, constraint: PrimaryKeyConstraint | UniqueConstraint) -> str:
    """The name that PostgreSQL gives to a constraint that has none."""
    if isinstance(constraint, PrimaryKeyConstraint):
        return f"{table.name}_pkey"
    return "_".join((table.name, *(column.name for column in constraint.columns), "key"))


def _target(constraint: ForeignKeyConstraint) -> str:
    try:
        return constraint.referred_table.fullname
    except SQLAlchemyError:  # the table it names is not in the metadata
        return constraint.elements[0].target_fullname.rpartition(".")[0]


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


class Classes:
    """Where tables are declared: the classes of the project's loaded modules that are mapped to them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._found: dict[Sql, type] | None = None

    def location(self, table: Sql, columns: tuple[str, ...]) -> Location:
        """The line of the first of these columns, else of the class; nowhere for a bare table."""
        if self._found is None:
            self._found = {
                own: value
                for module in list(sys.modules.values())
                if belongs(self.root, getattr(module, "__file__", None) or "/")
                for value in list(getattr(module, "__dict__", {}).values())
                if isinstance(value, type) and isinstance(own := vars(value).get("__table__"), Sql)
            }
        mapped = self._found.get(table)
        try:
            lines, first = inspect.getsourcelines(mapped) if mapped else ([], 0)
            file = (mapped and inspect.getsourcefile(mapped)) or ""
        except (OSError, TypeError):
            return NOWHERE
        if not file:
            return NOWHERE
        declared = (number for number, line in enumerate(lines) if re.match(rf"\s+{columns[0]}\b", line))
        return Location.of(self.root, file, first + next(declared, 0))
