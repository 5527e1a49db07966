"""Facts as data: what the probe finds in the running application and what source reads are the same records."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..model import NOWHERE, Location

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Migration:
    """One migration file. `problem` says why its identifiers cannot be read."""

    location: Location
    revision: str = ""
    parents: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Failure:
    """A module that cannot be imported, and the line that is to blame; `code` is what the error calls itself."""

    module: str
    message: str
    location: Location
    code: str = ""


@dataclass(frozen=True)
class Route:
    """One entry of the routing table. A `witness` is a path that it answers and few others do."""

    kind: str  # http, websocket or mount
    methods: frozenset[str]  # none: every method
    path: str
    pattern: re.Pattern[str]
    witness: str | None
    endpoint: object
    name: str
    location: Location = NOWHERE
    host: str = ""
    within: tuple[int, ...] = ()  # positions of the mounts it lies in
    context: Any = field(default=None, compare=False, repr=False)  # FastAPI's own: what it takes and what it gives

    @property
    def called(self) -> str:
        """What people call it, and acceptances and lists of routes too: `GET /orders/{order_id}`."""
        methods = self.methods - {"HEAD"} or self.methods
        return f"{','.join(sorted(methods)) or self.kind.upper()} {self.path}"


@dataclass(frozen=True)
class Application:
    """An application with routes: the one that is served, or one that is mounted in it."""

    served: Any
    middleware: tuple[tuple[object, Mapping[str, object]], ...]  # what is around it, with its options
    within: tuple[int, ...] = ()  # positions of the mounts it lies in

    def is_around(self, route: Route) -> bool:
        return route.within[: len(self.within)] == self.within


@dataclass(frozen=True)
class Reference:
    """A foreign key: these columns of a table refer to that table."""

    columns: tuple[str, ...]
    target: str
    find: Callable[[], Location] = field(compare=False)  # reads source, so only where there is a finding


@dataclass(frozen=True)
class Key:
    """What no two rows of a table share. `columns` is empty where it is over an expression; `name` where it has none."""

    columns: tuple[str, ...]
    name: str = ""
    constraint: bool = True  # a constraint or primary key, no mere index
    partial: bool = False  # over some of the rows


@dataclass(frozen=True)
class Column:
    """A column. `bits` is how many a plain integer type holds; 0 for a type that checks its values itself, and others."""

    name: str
    kind: str
    bits: int = 0


@dataclass(frozen=True)
class Mapped:
    """A mapped class, under its dotted name: the table and the columns that its attributes stand for."""

    name: str
    table: str
    attributes: Mapping[str, Column]


@dataclass(frozen=True)
class Loading:
    """An attribute of a mapped class that asks the database when somebody reads it, and how."""

    name: str
    how: str
    find: Callable[[], Location] = field(compare=False)


@dataclass(frozen=True)
class Dependency:
    """A function with a `yield` that a route depends on, and that goes on after the response was sent."""

    name: str
    location: Location


@dataclass(frozen=True)
class Setting:
    """A whole number among the settings as they are loaded: `curve.bits`."""

    name: str
    value: int
    find: Callable[[], Location] = field(compare=False)


@dataclass(frozen=True)
class Table:
    """A table of the metadata. `keys` are the columns of each index that serves any row, in order."""

    name: str
    schema: str
    references: tuple[Reference, ...]
    keys: tuple[tuple[str, ...], ...]
    uniques: tuple[Key, ...] = ()
    columns: tuple[Column, ...] = ()

    def called(self, *names: str) -> bool:
        return self.name in names or f"{self.schema}.{self.name}" in names
