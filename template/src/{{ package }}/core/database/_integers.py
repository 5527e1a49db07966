# Owned by the template.
"""Integers with a declared bound, so that no write answers 500 because a number did not fit (DB001)."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field
from sqlalchemy import BigInteger, Dialect, Integer
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import TypeDecorator

__all__ = ["ID_MAX", "BoundedInteger", "IntegerOutOfRangeError", "bounds", "fold"]

ID_MAX: Final = 2**53 - 1
"""The largest identifier: above it a JSON number is no longer exact in a browser, nor in a schema's `maximum`."""


class IntegerOutOfRangeError(ValueError):
    """A value was about to be written to a column that does not hold it."""


class BoundedInteger(TypeDecorator[int]):
    """A 64 bit column that refuses a value outside `minimum..maximum` when it is bound.

    Failure: a 96 bit number reached a BIGINT column, and every write answered 500. The database's own
    error names no column; this one does, on every engine, and nothing is sent.
    """

    impl = BigInteger
    cache_ok = True

    def __init__(self, minimum: int = 0, maximum: int = ID_MAX) -> None:
        """Bounds are inclusive.

        Raises:
            ValueError: the bounds are reversed or wider than 64 bits.
        """
        if not -(2**63) <= minimum <= maximum <= 2**63 - 1:
            raise ValueError(f"{minimum}..{maximum} is no range inside 64 bits (DB001)")
        super().__init__()
        self.minimum = minimum
        self.maximum = maximum
        self.column: str | None = None

    def of(self, column: str) -> BoundedInteger:
        """The same bounds, for the column of this name, which errors then tell."""
        named = BoundedInteger(self.minimum, self.maximum)
        named.column = column
        return named

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        # SQLite gives an identity of its own to a primary key only when its type is INTEGER.
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        # What is compared with the column or added to it is not written to it: 64 bits are all it has to fit.
        if isinstance(value, int):
            return BoundedInteger(-(2**63), 2**63 - 1).of(self.column or "64 bits")
        return self.impl_instance.coerce_compared_value(op, value)

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        if value is not None and not self.minimum <= value <= self.maximum:
            raise IntegerOutOfRangeError(
                f"{value} does not fit {self.column or 'this column'}, which holds {self.minimum} to {self.maximum}: "
                "check it where it comes in, or fold it with fold() (DB001)"
            )
        return value


def bounds(column: InstrumentedAttribute[int] | InstrumentedAttribute[int | None]) -> Any:
    """The bound of a column as a Pydantic field: `Annotated[int, bounds(Order.quantity)]`.

    The API's schema then shows the bound, and a value outside it is a 422.

    Raises:
        TypeError: the column is no `BoundedInteger`.
    """
    kind = column.type
    if not isinstance(kind, BoundedInteger):
        raise TypeError(f"{column} is no BoundedInteger: declare its bound in the model (DB001)")
    return Field(ge=kind.minimum, le=kind.maximum, strict=True)


def fold(value: int, bits: int = 63) -> int:
    """The low `bits` bits of a number that is too wide for its column.

    Never clamp instead: clamping maps all large values to one.
    """
    return value & ((1 << bits) - 1)
