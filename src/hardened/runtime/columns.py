"""Facts from the metadata: columns that keep moments without a zone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import DateTime, MetaData

from ..model import Location
from .tables import Classes


def naive(metadata: object, root: Path) -> Iterator[tuple[str, Location]]:
    """Each such column, with its line. A type of the project's own is left to itself: it may take care of zones."""
    if not isinstance(metadata, MetaData):
        return
    classes = Classes(root)
    for table in metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, DateTime) and not column.type.timezone:
                yield f"{table.name}.{column.name}", classes.location(table, (column.key,))
