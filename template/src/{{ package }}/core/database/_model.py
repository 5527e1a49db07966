# Owned by the template.
"""The base of all models, with the types and references that keep them the same on SQLite and PostgreSQL."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from sqlalchemy import DateTime, Dialect, Enum, ForeignKey, MetaData, event
from sqlalchemy import Text as UnboundedText
from sqlalchemy.orm import DeclarativeBase, Mapped, Mapper, mapped_column
from sqlalchemy.orm import relationship as _relationship
from sqlalchemy.types import TypeDecorator

from ._integers import ID_MAX, BoundedInteger

__all__ = ["Model", "Text", "UtcDateTime", "enumeration", "relationship", "user_reference", "utc_now"]


def utc_now() -> datetime:
    """The current time, with its zone."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, always with a zone: a naive value is refused, and SQLite's naive results get UTC back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone: use utc_now() or datetime(..., tzinfo=UTC)")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Text = Annotated[str, mapped_column(UnboundedText)]
"""A column for text whose length the API bounds."""


class Model(DeclarativeBase):
    """The base of every table. Constraints get predictable names, so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: BoundedInteger(0, ID_MAX),
        datetime: UtcDateTime(),
    }
    # Failure: reading a server default after a flush was a lazy load, which an asynchronous session cannot do.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - as SQLAlchemy declares it

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        table = cls.__dict__.get("__table__")
        if table is None:
            return
        for column in table.columns:
            if isinstance(column.type, BoundedInteger):
                column.type = column.type.of(f"{table.name}.{column.name}")


relationship = functools.partial(_relationship, lazy="raise")
"""SQLAlchemy's, except that what a query did not load raises instead of loading itself in the background."""


@event.listens_for(Mapper, "after_configured")
def _refuse_lazy_loads() -> None:
    for mapper in Model.registry.mappers:
        for each in mapper.relationships:
            if each.lazy in ("select", True, "dynamic", "immediate"):
                raise TypeError(
                    f"{each} loads itself when it is read, which an asynchronous session cannot do: "
                    "make it with core.database.relationship and load it with selectinload() (DB011)"
                )


def enumeration(values: type[StrEnum]) -> Enum:
    """A column type for a `StrEnum`: text with a named CHECK, the same on both engines.

    PostgreSQL's own enum types are not used: a value renamed in one is seen by no schema comparison.
    """
    return Enum(
        values,
        native_enum=False,
        create_constraint=True,
        length=40,
        name=values.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
        validate_strings=True,
    )


def user_reference(*, on_delete: str = "CASCADE", primary_key: bool = False, index: bool = True) -> Mapped[Any]:
    """A column that says which user a row belongs to or was made by: the only way to refer to a person (DB002).

    It is indexed (DB005) and points at `users`, never at a table of how somebody logs in. Nullable when the
    attribute is annotated so.

    Args:
        on_delete: what happens to the row when the user is deleted: "CASCADE", "SET NULL" or "RESTRICT".
        primary_key: the row is the user's only one.
        index: False only where an index of the table's own begins with this column.
    """
    return mapped_column(
        BoundedInteger(1, ID_MAX),
        ForeignKey("users.id", ondelete=on_delete),
        index=index and not primary_key,
        primary_key=primary_key,
    )
