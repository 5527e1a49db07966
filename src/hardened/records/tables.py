"""Records of tables, mapped classes and the numbers of settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..model import NOWHERE, Location


@dataclass(frozen=True)
class Reference:
    """A foreign key: columns of a table, and the table that they refer to."""

    columns: tuple[str, ...]
    target: str
    location: Location = NOWHERE


@dataclass(frozen=True)
class Key:
    """Columns whose values no two rows of a table share.

    Attributes:
        columns: empty where it is over an expression.
        name: "" where it has none.
        constraint: a constraint or primary key, no mere index.
        partial: over some of the rows.
    """

    columns: tuple[str, ...]
    name: str = ""
    constraint: bool = True
    partial: bool = False


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: of the column.
        kind: the name of its type.
        bits: of a number that a plain integer type holds; 0 for a type that checks its values itself, and others.
        naive: keeps moments without a zone.
        location: of its declaration.
    """

    name: str
    kind: str
    bits: int = 0
    naive: bool = False
    location: Location = NOWHERE


@dataclass(frozen=True)
class Table:
    """A table of the metadata.

    Attributes:
        name: of the table.
        schema: "" for the default one.
        references: its foreign keys.
        keys: the columns of each index that serves any row, in order.
        uniques: its unique keys.
        columns: all of them.
        by_application: the imports of the application alone have defined it.
    """

    name: str
    schema: str = ""
    references: tuple[Reference, ...] = ()
    keys: tuple[tuple[str, ...], ...] = ()
    uniques: tuple[Key, ...] = ()
    columns: tuple[Column, ...] = ()
    by_application: bool = True

    def called(self, *names: str) -> bool:
        """Report whether it has one of these names, with or without its schema."""
        return self.name in names or f"{self.schema}.{self.name}" in names


@dataclass(frozen=True)
class Mapped:
    """A mapped class, under its dotted name: the table and the columns that its attributes stand for."""

    name: str
    table: str
    attributes: Mapping[str, Column]


@dataclass(frozen=True)
class Loading:
    """An attribute of a mapped class that queries the database when it is read, and how."""

    name: str
    how: str
    location: Location = NOWHERE


@dataclass(frozen=True)
class Setting:
    """A whole number among the settings as they are loaded: `curve.bits`."""

    name: str
    value: int
    location: Location = NOWHERE
