"""Names that several rules of the family use."""

from __future__ import annotations

from ...records.tables import Reference, Table


def subject_of(table: Table, reference: Reference) -> str:
    """The subject of a finding about a foreign key."""
    return f"{table.name}.{','.join(reference.columns)}"
