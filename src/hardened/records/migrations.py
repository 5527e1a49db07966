"""Records of migrations."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Location


@dataclass(frozen=True)
class Migration:
    """One migration file. `problem` is the reason why its identifiers cannot be read."""

    location: Location
    revision: str = ""
    parents: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Migrated:
    """A foreign key that a migration makes; "" where a name cannot be read."""

    table: str
    column: str
    target: str
    constraint: str
    location: Location

    @property
    def subject(self) -> str:
        """The name under which it can be accepted."""
        return f"{self.table or 'a table'}.{self.column or 'a column'}"
