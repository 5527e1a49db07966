"""What several rules of the family share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...records import Reference, Table

if TYPE_CHECKING:
    pass


def _subject(table: Table, reference: Reference) -> str:
    return f"{table.name}.{','.join(reference.columns)}"
