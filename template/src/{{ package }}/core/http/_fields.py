# Owned by the template.
"""Field types for requests, bounded so that what the schema promises is what the database can keep."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Final

from fastapi import Path
from pydantic import AfterValidator, BeforeValidator, Field

from ..database import ID_MAX

__all__ = ["Day", "Id", "Line", "Prose", "RowId"]

# Failure: PostgreSQL keeps no NUL, and a text with one answered 500.
_STORABLE: Final = r"^[^\x00]*$"
_ONE_LINE: Final = r"^[^\x00-\x20\x7f]([^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?$"


def _only_days(value: Any) -> Any:
    # Pydantic takes a number for a timestamp, and a moment at midnight for a day.
    if not isinstance(value, date) and not (isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)):
        raise ValueError("write a day as YYYY-MM-DD")
    return value


def _one_line(value: str) -> str:
    if not re.fullmatch(_ONE_LINE, value):
        raise ValueError("write one line, without control characters and with no space at either end")
    return value


def _storable(value: str) -> str:
    if "\x00" in value:
        raise ValueError("leave out the NUL character: it cannot be stored")
    return value


def _only_numbers(value: Any) -> Any:
    # Pydantic takes `false` for 0 and "5" for 5; a JSON schema takes neither.
    if isinstance(value, bool | str):
        raise ValueError("write a number")
    return value


RowId = Annotated[int, Path(ge=1, le=ID_MAX)]
"""The identifier of a row, in a path."""

Id = Annotated[int, Field(ge=1, le=ID_MAX), BeforeValidator(_only_numbers)]
"""The identifier of a row, in a body."""

Day = Annotated[
    date,
    Field(ge=date(2000, 1, 1), le=date(2199, 12, 31), description="YYYY-MM-DD, 2000 to 2199"),
    BeforeValidator(_only_days),
]
"""A calendar day, written YYYY-MM-DD."""

Line = Annotated[
    str, Field(min_length=1, max_length=200, json_schema_extra={"pattern": _ONE_LINE}), AfterValidator(_one_line)
]
"""One line of text, 1 to 200 characters."""

Prose = Annotated[
    str, Field(min_length=1, max_length=100_000, json_schema_extra={"pattern": _STORABLE}), AfterValidator(_storable)
]
"""Text of 1 to 100,000 characters."""
