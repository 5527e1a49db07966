# Owned by the template.
"""What guards judge, each part gathered when a guard first asks for it."""

from __future__ import annotations

import ast
import importlib.util
import re
import struct
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ._config import Config
from ._findings import NOWHERE, Place

if TYPE_CHECKING:
    from ._declared import Declared
    from ._entries import Entry, Modules
    from ._functions import Functions
    from ._held import HeldConnections
    from ._live import Live
    from ._live_celery import CeleryFacts
    from ._live_liveness import Step
    from ._live_network import Attempt
    from ._live_settings import SettingsFacts
    from ._migrated import Migrated
    from ._needs import Need
    from ._processes import Cluster, Compose, Process
    from ._sessions import Sessions
    from ._source import Source
    from ._source_celery import CelerySource
    from ._statements import Statements
    from ._tools import Lint
    from ._urls import Driver
    from ._workers import Worker

T = TypeVar("T")

CLAIMED = frozenset({"CL002"})
"""Failures whose own guard tells of them where they are refused while a module is imported (IM003)."""


@dataclass(frozen=True)
class Broken:
    """Why a file does not compile, and in which line."""

    error: str
    line: int | None = None


class File:
    """One Python file, read when somebody asks. `path` is its path from the root."""

    def __init__(self, path: str, real: Path) -> None:
        self.path = path
        self._real = real

    @cached_property
    def tree(self) -> ast.Module | None:
        """What is in it; None where it cannot be parsed."""
        return self._parsed if isinstance(self._parsed, ast.Module) else None

    @cached_property
    def broken(self) -> Broken | None:
        """Why it does not compile; None where it does."""
        if _is_compiled(self._real):
            return None
        # Parsing alone lets through what only compiling refuses: a `return` outside a function. From the text it costs
        # half of what it does from a tree.
        made = _tried(lambda: compile(self._real.read_bytes(), str(self._real), "exec", dont_inherit=True))
        return made if isinstance(made, Broken) else None

    @cached_property
    def _parsed(self) -> ast.Module | Broken:
        return _tried(lambda: ast.parse(self._real.read_bytes(), str(self._real)))


def _tried(read: Callable[[], T]) -> T | Broken:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read()
    except SyntaxError as error:
        return Broken(error.msg or "invalid syntax", error.lineno)
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        return Broken(str(error) or type(error).__name__)


def _is_compiled(path: Path) -> bool:
    """Whether what Python keeps of a module that it has compiled is of this very file: half of a run was compiling."""
    try:
        with Path(importlib.util.cache_from_source(str(path))).open("rb") as kept:
            magic, flags, made, size = struct.unpack("<4sIII", kept.read(16))
        status = path.stat()
    except (OSError, struct.error, NotImplementedError):
        return False
    now = int(status.st_mtime) & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF
    return magic == importlib.util.MAGIC_NUMBER and flags == 0 and (made, size) == now


@dataclass(frozen=True)
class Migration:
    """One migration file. `problem` says why its identifiers cannot be read."""

    place: Place
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
    place: Place
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
    place: Place = NOWHERE
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
    find: Callable[[], Place] = field(compare=False)  # reads source, so only where there is a finding


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
    find: Callable[[], Place] = field(compare=False)


@dataclass(frozen=True)
class Dependency:
    """A function with a `yield` that a route depends on, and that goes on after the response was sent."""

    name: str
    place: Place


@dataclass(frozen=True)
class Setting:
    """A whole number among the settings as they are loaded: `curve.bits`."""

    name: str
    value: int
    find: Callable[[], Place] = field(compare=False)


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


class Facts:
    """The facts of one project. `doubt` is set when what was just read may be incomplete."""

    def __init__(self, config: Config, live: Live | None = None) -> None:
        self.config = config
        self.doubt = ""
        self._live = live

    @cached_property
    def source(self) -> Source:
        from ._source import Source  # noqa: PLC0415 - not needed when a service starts

        return Source(self.config)

    @cached_property
    def functions(self) -> Functions:
        """The package's functions and classes: which call which, and what requests, jobs and imports lead to."""
        from ._functions import Functions  # noqa: PLC0415 - not needed when a service starts

        return Functions(self.source)

    @cached_property
    def row_models(self) -> dict[str, frozenset[str]]:
        """The classes that are mapped to a table, by their dotted names, with the names that they declare."""
        from ._rows import row_models  # noqa: PLC0415 - not needed when a service starts

        return row_models(self.functions)

    @cached_property
    def compose(self) -> Compose:
        from ._processes import Compose  # noqa: PLC0415 - not needed when a service starts

        return Compose(self.config)

    @cached_property
    def cluster(self) -> Cluster:
        """The Kubernetes manifests."""
        from ._processes import Cluster  # noqa: PLC0415 - not needed when a service starts

        return Cluster(self.config)

    @cached_property
    def processes(self) -> Sequence[Process]:
        """What compose files, Dockerfiles, Procfiles, manifests and pyproject.toml start."""
        from ._processes import processes  # noqa: PLC0415 - not needed when a service starts

        return tuple(processes(self.config, self.compose, self.cluster))

    @cached_property
    def sessions(self) -> Sessions:
        """What the source does with sessions and connections."""
        from ._sessions import Sessions  # noqa: PLC0415 - not needed when a service starts

        return Sessions(self.source)

    @cached_property
    def held_connections(self) -> HeldConnections:
        """Where the source waits for something else, and a connection with it."""
        from ._held import HeldConnections  # noqa: PLC0415 - not needed when a service starts

        return HeldConnections(self.source, self.functions, self.sessions)

    @cached_property
    def statements(self) -> Statements:
        """What the source writes to the database."""
        from ._statements import Statements  # noqa: PLC0415 - not needed when a service starts

        return Statements(self)

    @cached_property
    def migrated(self) -> Sequence[Migrated]:
        """The references that the migrations make and no later one takes away, among those that may matter."""
        from ._migrated import references  # noqa: PLC0415 - most projects have none to look at

        return references(self.config)

    @cached_property
    def workers(self) -> Sequence[Worker]:
        """The processes that take messages from queues."""
        from ._workers import workers  # noqa: PLC0415 - not needed when a service starts

        return tuple(workers(self.processes, self.config.worker_commands))

    @cached_property
    def celery_source(self) -> CelerySource:
        """How the source uses Celery."""
        from ._source_celery import CelerySource  # noqa: PLC0415 - not needed when a service starts

        return CelerySource(self.source)

    @cached_property
    def declared(self) -> Declared:
        """What pyproject.toml and requirement files declare."""
        from ._declared import Declared  # noqa: PLC0415 - not needed when a service starts

        return Declared(self.config)

    @cached_property
    def drivers(self) -> Sequence[Driver]:
        """The addresses of databases and brokers, and the drivers that they need."""
        from ._urls import drivers  # noqa: PLC0415 - not needed when a service starts

        return tuple(dict.fromkeys(drivers(self)))

    @cached_property
    def needs(self) -> Sequence[tuple[str, Need, Place]]:
        """What is used that needs a distribution which does not come by itself."""
        from ._needs import needs  # noqa: PLC0415 - not needed when a service starts

        return tuple(needs(self))

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """The modules and attributes that something is started by."""
        from ._entries import entries  # noqa: PLC0415 - not needed when a service starts

        return tuple(entries(self))

    @cached_property
    def modules(self) -> Modules:
        """Where modules are found, and what they have."""
        from ._entries import Modules  # noqa: PLC0415 - not needed when a service starts

        return Modules(self)

    @cached_property
    def lint(self) -> dict[str, list[Lint]]:
        """What ruff finds, by the code of the catalogue that its rules stand for."""
        from ._tools import ruff  # noqa: PLC0415 - not needed when a service starts

        return ruff(self.config)

    @cached_property
    def types(self) -> list[Lint]:
        """The attributes that mypy does not find."""
        from ._tools import mypy  # noqa: PLC0415 - not needed when a service starts

        return mypy(self.config)

    @cached_property
    def dependencies(self) -> list[Lint]:
        """What deptry finds."""
        from ._tools import deptry  # noqa: PLC0415 - not needed when a service starts

        return deptry(self.config)

    @property
    def live(self) -> Live:
        if self._live is None:
            from ._live import Live  # noqa: PLC0415 - a run over source alone imports no project

            self._live = Live.imported(self.config, self.source)
        return self._live

    @property
    def refused(self) -> Sequence[object]:
        return self._live.refused if self._live else ()

    @property
    def failures(self) -> Sequence[Failure]:
        """Modules that cannot be imported, those apart that another guard names."""
        return [each for each in self.live.failures if each.code not in CLAIMED]

    def failures_of(self, code: str) -> Sequence[Failure]:
        """Modules that cannot be imported since something in them was refused by the name of this failure."""
        return [each for each in self.live.failures if each.code == code]

    @property
    def attempts(self) -> Sequence[Attempt]:
        """Who tried to connect while the project was imported and described."""
        return self.live.attempts

    @property
    def routes(self) -> Sequence[Route]:
        return self.live.routes

    def steps(self, path: str) -> Sequence[Step] | None:
        """What runs for `GET path`, the route's function first; None where there is no such route."""
        return self.live.steps(path)

    @property
    def settings(self) -> SettingsFacts:
        """What is known of the class of settings."""
        return self.live.settings_facts

    @property
    def applications(self) -> Sequence[Application]:
        """The application that is served, and those that are mounted in it."""
        return self.live.applications

    def named(self, key: str) -> dict[str, object]:
        """The objects that a key's addresses name; None for one that is not there."""
        return {address: self.live.find(address) for address in getattr(self.config, key)}

    @property
    def tables(self) -> Sequence[Table]:
        self.doubt = self.live.doubt
        return self.live.tables

    @property
    def mapped(self) -> Sequence[Mapped]:
        """The mapped classes of the metadata."""
        self.doubt = self.live.doubt
        return self.live.mapped

    @property
    def loading(self) -> Sequence[Loading]:
        """The attributes of mapped classes that load when they are read."""
        self.doubt = self.live.doubt
        return self.live.loading

    @property
    def late_dependencies(self) -> Sequence[Dependency]:
        """What goes on after the response was sent."""
        return self.live.late_dependencies

    @property
    def numbers(self) -> Sequence[Setting]:
        """The whole numbers in the settings that the application has loaded."""
        return self.live.numbers

    @property
    def celery(self) -> CeleryFacts:
        """What the Celery application says of itself."""
        return self.live.celery_facts

    @property
    def naive_columns(self) -> Sequence[tuple[str, Place]]:
        """The columns that keep moments without a zone, with their lines."""
        self.doubt = self.live.doubt
        return self.live.naive_columns

    @property
    def application_tables(self) -> frozenset[str]:
        """The tables there were once the application, and nothing else, had been imported."""
        self.doubt = self.live.doubt
        return self.live.application_tables
