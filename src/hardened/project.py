"""Lazy facade over all facts of one project."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Self, TypeVar, cast

from .config.table import Config
from .model import CouldNotLook, DoesNotApply, Location, one_line
from .records.imports import Attempt, Failure, SourceTree
from .records.migrations import Migrated
from .records.routes import Application, CodeRef, Dependency, GetRoute, Route, RoutingTable
from .records.tables import Loading, Mapped, Setting, Table

if TYPE_CHECKING:
    from .deployment.compose import Compose
    from .deployment.kubernetes import Cluster
    from .deployment.process import Process
    from .deployment.workers import Worker
    from .knowledge.extras import Need
    from .packaging.declared import Declared
    from .packaging.entries import Entry, Modules
    from .packaging.environment import Environment
    from .records.celery import CeleryFacts
    from .records.deployment import Driver
    from .records.diagnostics import Diagnostic
    from .records.settings import Model, SettingsFacts
    from .runtime.client import Answer, Probe
    from .runtime.interpreter import Interpreter
    from .source.call_graph import CallGraph
    from .source.celery import CelerySource
    from .source.held_connections import HeldConnections
    from .source.outgoing import EndlessCall
    from .source.sessions import Sessions
    from .source.stand_ins import StandIns
    from .source.statements import Statements
    from .source.stores import Store
    from .source.tree import Source
    from .source.unread import Unread

T = TypeVar("T")

NOT_IMPORTED = "not imported: --no-import"
"""The reason of all facts for which the project would have to be imported, where it must not be."""


IMPORTED = frozenset(
    [
        "addresses",
        "applications",
        "attempts",
        "celery",
        "failures",
        "late_dependencies",
        "loading",
        "mapped",
        "models",
        "numbers",
        "routes",
        "routing",
        "runtime",
        "settings",
        "statements",
        "steps",
        "tables",
    ]
)
"""The facts for which the project is imported."""


class Project:
    """The facts of one project, each gathered when it is first asked for.

    As a context, it ends the probe where that still runs.

    Attributes:
        python: the project's interpreter, where it is named.
        doubts: the reasons why a fact may be incomplete, one a line, by the fact's name.
    """

    def __init__(self, config: Config, *, python: str | None = None, imports: bool = True) -> None:
        self.config = config
        self.python = python
        self._imports = imports
        self.doubts: dict[str, str] = {}
        self._reasons: dict[str, DoesNotApply | CouldNotLook] = {}

    def fact(self, name: str) -> object:
        """The fact of this name.

        Raises:
            DoesNotApply: the project has no such thing.
            CouldNotLook: it could not be gathered; the same reason for everybody who asks.
        """
        if name in self._reasons:
            raise self._reasons[name]
        try:
            return getattr(self, name)
        except (DoesNotApply, CouldNotLook) as reason:
            self._reasons[name] = reason
        except Exception as error:  # noqa: BLE001 - whatever the project's files do to a reader must not end the run
            self._reasons[name] = CouldNotLook(one_line(f"{name}: {type(error).__name__}: {error}"))
        raise self._reasons[name]

    def begin(self, facts: Iterable[str]) -> None:
        """Start the probe where one of these facts needs it, so that it works while others are gathered."""
        if self._imports and not IMPORTED.isdisjoint(facts):
            # A reason that it cannot be started is kept for those who ask.
            with contextlib.suppress(DoesNotApply, CouldNotLook):
                self.fact("_probe")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if "_probe" in vars(self):
            self._probe.end()

    @property
    def runtime(self) -> Answer:
        """The answer of the probe, which is asked once: a reason that there is none stays the reason too."""
        return cast("Answer", self.fact("_answer"))

    @cached_property
    def _answer(self) -> Answer:
        return cast("Probe", self.fact("_probe")).answer()

    @cached_property
    def _probe(self) -> Probe:
        from .runtime.client import Probe  # noqa: PLC0415 - a run over source alone starts no process

        if not self._imports:
            raise DoesNotApply(NOT_IMPORTED)
        source = self.source
        modules = {name: file.path for name, file in source.modules.items()}
        elsewhere = tuple(name for name, file in modules.items() if source.is_environment(file))
        tree = SourceTree(source.folder, tuple(source.files), modules, elsewhere)
        return Probe(self.config, tree, self.interpreter)

    @cached_property
    def source(self) -> Source:
        from .source.tree import Source  # noqa: PLC0415 - only what a run asks for is imported

        source = Source(self.config)
        source.resolution.on_cut = self._doubt_chains
        return source

    def _doubt_chains(self, reason: str) -> None:
        self.doubts["source"] = self.doubts["call_graph"] = one_line(reason)

    @cached_property
    def call_graph(self) -> CallGraph:
        """The package's functions and classes: which call which, and what requests, jobs and imports lead to."""
        from .source.call_graph import CallGraph  # noqa: PLC0415 - only what a run asks for is imported

        return CallGraph(self.source)

    @cached_property
    def unread(self) -> Sequence[Unread]:
        """The settings and limits that nothing reads."""
        from .source.unread import Unreads  # noqa: PLC0415 - one rule asks for it

        return tuple(Unreads(self.call_graph).found())

    @cached_property
    def stores(self) -> Sequence[Store]:
        """Containers of the process that grow with requests."""
        from .source.stores import Stores  # noqa: PLC0415 - one rule asks for it

        return tuple(Stores(self.call_graph).found())

    @cached_property
    def endless_calls(self) -> Sequence[EndlessCall]:
        """Calls of other services without a limit of time."""
        from .source.outgoing import Timeouts  # noqa: PLC0415 - one rule asks for it

        return tuple(Timeouts(self.call_graph).missing())

    @cached_property
    def stand_ins(self) -> StandIns:
        """Replacements of real objects in the tests."""
        from .source.stand_ins import StandIns  # noqa: PLC0415 - one rule asks for it

        return StandIns(self.call_graph)

    @cached_property
    def row_models(self) -> dict[str, frozenset[str]]:
        """The classes that are mapped to a table, by their dotted names, with the names that they declare."""
        from .source.rows import row_models  # noqa: PLC0415 - only what a run asks for is imported

        return row_models(self.call_graph)

    @cached_property
    def compose(self) -> Compose:
        """The compose files, merged as Compose merges them."""
        from .deployment.compose import Compose  # noqa: PLC0415 - a run of a few rules does not need it

        compose = Compose(self.config)
        self._doubt("compose", *compose.problems)
        return compose

    @cached_property
    def cluster(self) -> Cluster:
        """The Kubernetes manifests."""
        from .deployment.kubernetes import Cluster  # noqa: PLC0415 - a run of a few rules does not need it

        cluster = Cluster(self.config)
        self._doubt("cluster", *cluster.problems)
        return cluster

    @cached_property
    def processes(self) -> Sequence[Process]:
        """The processes that compose files, Dockerfiles, Procfiles, manifests and pyproject.toml start."""
        from .deployment.processes import processes  # noqa: PLC0415 - a run of a few rules does not need it

        found, problems = processes(self.config, self.compose, self.cluster)
        self._doubt("processes", *self.compose.problems, *self.cluster.problems, *problems)
        return found

    def _doubt(self, name: str, *reasons: str) -> None:
        """Keep the reasons why a fact is incomplete."""
        if reasons:
            self.doubts[name] = "\n".join(dict.fromkeys(map(one_line, reasons)))

    @cached_property
    def sessions(self) -> Sessions:
        """The use of sessions and connections in the source."""
        from .source.sessions import Sessions  # noqa: PLC0415 - only what a run asks for is imported

        return Sessions(self.source)

    @cached_property
    def held_connections(self) -> HeldConnections:
        """The places at which the source waits for something else and keeps a connection."""
        from .source.held_connections import HeldConnections  # noqa: PLC0415 - only what a run asks for is imported

        return HeldConnections(self.source, self.call_graph, self.sessions)

    @cached_property
    def statements(self) -> Statements:
        """The statements that the source sends to the database."""
        from .source.statements import Statements  # noqa: PLC0415 - only what a run asks for is imported

        statements = Statements(self.source, self.mapped, self.tables, self.config.upserts)
        if "tables" in self.doubts:
            self.doubts["statements"] = self.doubts["tables"]
        return statements

    @cached_property
    def migrated(self) -> Sequence[Migrated]:
        """The references that the migrations make and no later one takes away, among those that may matter."""
        from .source.migrations import references  # noqa: PLC0415 - most projects have none to look at

        return references(self.config)

    @cached_property
    def workers(self) -> Sequence[Worker]:
        """The processes that take messages from queues."""
        from .deployment.workers import workers  # noqa: PLC0415 - only what a run asks for is imported

        found = tuple(workers(self.processes, self.config.worker_commands))
        self._doubt("workers", *self.doubts.get("processes", "").splitlines())
        return found

    @cached_property
    def celery_source(self) -> CelerySource:
        """The use of Celery in the source."""
        from .source.celery import CelerySource  # noqa: PLC0415 - only what a run asks for is imported

        return CelerySource(self.source)

    @cached_property
    def interpreter(self) -> Interpreter:
        """The project's own Python."""
        from .runtime.interpreter import find_interpreter  # noqa: PLC0415 - a run over source alone needs none

        return find_interpreter(self.config, self.python or "")

    @cached_property
    def environment(self) -> Environment:
        """The distributions of the project's own interpreter; none are known where that was not found."""
        from .packaging.environment import Environment, search_path  # noqa: PLC0415 - source alone needs none

        try:
            interpreter = self.interpreter
        except CouldNotLook:  # the probe names it
            return Environment()
        return Environment() if interpreter.doubt else Environment(search_path(interpreter.path))

    @cached_property
    def declared(self) -> Declared:
        """The dependencies that pyproject.toml and requirement files declare."""
        from .packaging.declared import Declared  # noqa: PLC0415 - only what a run asks for is imported

        declared = Declared(self.config, self.environment)
        if declared.problems:
            self.doubts["declared"] = "; ".join(declared.problems)
        return declared

    @cached_property
    def drivers(self) -> Sequence[Driver]:
        """The addresses of databases and brokers, and the drivers that they need."""
        from .deployment import urls as deployed  # noqa: PLC0415 - a run of a few rules does not need it
        from .source import urls as written  # noqa: PLC0415 - a run of a few rules does not need it

        in_source = (driver for names in self.source.own for driver in written.drivers(names))
        self._doubt("drivers", *self.compose.problems)
        return tuple(dict.fromkeys([*in_source, *deployed.drivers(self.config, self.compose)]))

    @cached_property
    def needs(self) -> Sequence[tuple[str, Need, Location]]:
        """The things in use that need a distribution which does not come by itself."""
        from .packaging.needs import needs  # noqa: PLC0415 - only what a run asks for is imported

        return tuple(needs(self.source, self.declared, self.processes))

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """The modules and attributes that something is started by."""
        from .packaging.entries import entries  # noqa: PLC0415 - only what a run asks for is imported

        return tuple(entries(self.config, self.source, self.processes, self.compose))

    @cached_property
    def modules(self) -> Modules:
        """The modules that can be imported, and their attributes."""
        from .packaging.entries import Modules  # noqa: PLC0415 - only what a run asks for is imported

        return Modules(self.source, self.processes, self.declared.name, self.environment)

    @cached_property
    def lint(self) -> Mapping[str, Sequence[Diagnostic]]:
        """The findings of ruff, by the code of the catalogue that its rules stand for."""
        from .external.ruff import ruff  # noqa: PLC0415 - not every run starts it

        return ruff(self.config, self.source.unparsed)

    @cached_property
    def types(self) -> Sequence[Diagnostic]:
        """The attributes that mypy does not find."""
        from .external.mypy import mypy  # noqa: PLC0415 - not every run starts it

        return mypy(self.config, self.interpreter.path, [names.file.path for names in self.source.own])

    @cached_property
    def dependencies(self) -> Sequence[Diagnostic]:
        """The findings of deptry."""
        from .external.deptry import deptry  # noqa: PLC0415 - not every run starts it

        return deptry(self.config, self.declared.requirements, self.environment.path, self.source.unparsed)

    @cached_property
    def failures(self) -> Sequence[Failure]:
        """The modules that cannot be imported; rules read source too, so a probe that failed is a doubt only."""
        try:
            answer = self.runtime
        except CouldNotLook as reason:
            self.doubts["failures"] = str(reason)
            return ()
        doubts = [*answer.doubts, *filter(None, [answer.problem])]
        if doubts:
            self.doubts["failures"] = one_line("; ".join(doubts))
        return answer.failures

    @cached_property
    def attempts(self) -> Sequence[Attempt]:
        """The connections that were tried while the project was imported and described."""
        try:
            answer = self.runtime
        except CouldNotLook as reason:
            self.doubts["attempts"] = str(reason)
            return ()
        doubt = answer.problem or answer.undescribed or "; ".join(answer.doubts)
        if doubt:
            self.doubts["attempts"] = one_line(doubt)
        return answer.attempts

    @cached_property
    def routing(self) -> RoutingTable:
        """The routes in the order in which they answer, with the applications that have them."""
        return self.runtime.section("routes", RoutingTable)

    @property
    def routes(self) -> Sequence[Route]:
        return self.routing.routes

    @property
    def applications(self) -> Sequence[Application]:
        """The application that is served, and those that are mounted in it."""
        return self.routing.applications

    @cached_property
    def addresses(self) -> Mapping[str, CodeRef | None]:
        """The functions, classes and objects that the configuration names, by address; None for one that is not there."""
        return self.runtime.section("addresses", dict[str, CodeRef | None])

    @cached_property
    def steps(self) -> Sequence[GetRoute]:
        """The routes that answer GET, and the functions that each of them runs."""
        return self.runtime.section("steps", tuple[GetRoute, ...])

    @cached_property
    def settings(self) -> SettingsFacts:
        """The class of settings."""
        from .records.settings import SettingsFacts  # noqa: PLC0415 - a run of a few rules does not need it

        return self.runtime.section("settings", SettingsFacts)

    @cached_property
    def models(self) -> Mapping[str, Model]:
        """The pydantic models of the project, by each of their dotted names."""
        from .records.settings import Model  # noqa: PLC0415 - a run of a few rules does not need it

        return {name: each for each in self.runtime.section("payloads", tuple[Model, ...]) for name in each.names}

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """The tables of the metadata."""
        return self._of_metadata("tables", tuple[Table, ...])

    @cached_property
    def mapped(self) -> tuple[Mapped, ...]:
        """The mapped classes of the metadata."""
        return self._of_metadata("mapped", tuple[Mapped, ...])

    @cached_property
    def loading(self) -> tuple[Loading, ...]:
        """The attributes of mapped classes that query the database when they are read."""
        return self._of_metadata("loading", tuple[Loading, ...])

    @cached_property
    def numbers(self) -> tuple[Setting, ...]:
        """The whole numbers in the settings that the application has loaded."""
        return self.runtime.section("numbers", tuple[Setting, ...])

    def _of_metadata(self, name: str, kind: type[T]) -> T:
        """A section of the probe about the metadata, which lacks tables where the application cannot be imported."""
        found = self.runtime.section(name, kind)
        if reason := self.runtime.missing.get("application"):
            self.doubts[name] = reason
        return found

    @cached_property
    def late_dependencies(self) -> Sequence[Dependency]:
        """The dependencies that end after the response was sent."""
        return self.runtime.section("late_dependencies", tuple[Dependency, ...])

    @cached_property
    def celery(self) -> CeleryFacts:
        """The Celery application."""
        from .records.celery import CeleryFacts  # noqa: PLC0415 - a run of a few rules does not need it

        return self.runtime.section("celery", CeleryFacts)
