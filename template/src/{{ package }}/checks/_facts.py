# Owned by the template.
"""What guards judge, each part gathered when a guard first asks for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from ._config import Config
from ._findings import NOWHERE, Place

if TYPE_CHECKING:
    from ._live import Live
    from ._live_network import Attempt
    from ._processes import Compose, Process
    from ._reach import Reach
    from ._source import Source
    from ._tools import Lint

CLAIMED = frozenset({"CL002"})
"""Failures whose own guard tells of them where they are refused while a module is imported (IM003)."""


@dataclass(frozen=True)
class File:
    """One Python file: its tree, or why it does not compile."""

    path: str
    tree: ast.Module | None
    error: str = ""
    line: int | None = None


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


@dataclass(frozen=True)
class Reference:
    """A foreign key: these columns of a table refer to that table."""

    columns: tuple[str, ...]
    target: str
    find: Callable[[], Place] = field(compare=False)  # reads source, so only where there is a finding


@dataclass(frozen=True)
class Table:
    """A table of the metadata. `keys` are the columns of each index that serves any row, in order."""

    name: str
    schema: str
    references: tuple[Reference, ...]
    keys: tuple[tuple[str, ...], ...]

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
    def compose(self) -> Compose:
        from ._processes import Compose  # noqa: PLC0415 - not needed when a service starts

        return Compose(self.config)

    @cached_property
    def processes(self) -> Sequence[Process]:
        """What compose files, Dockerfiles, Procfiles, manifests and pyproject.toml start."""
        from ._processes import processes  # noqa: PLC0415 - not needed when a service starts

        return tuple(processes(self.config, self.compose))

    @cached_property
    def lint(self) -> dict[str, list[Lint]]:
        """What ruff finds, by the code of the catalogue that its rules stand for."""
        from ._tools import ruff  # noqa: PLC0415 - not needed when a service starts

        return ruff(self.config)

    @cached_property
    def dependencies(self) -> list[Lint]:
        """What deptry finds."""
        from ._tools import deptry  # noqa: PLC0415 - not needed when a service starts

        return deptry(self.config)

    @cached_property
    def reach(self) -> Reach:
        """What requests, jobs and imports lead to, as far as source tells."""
        from ._reach import Reach  # noqa: PLC0415 - not needed when a service starts

        return Reach(self.source)

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

    @property
    def tables(self) -> Sequence[Table]:
        self.doubt = self.live.doubt
        return self.live.tables

    @property
    def application_tables(self) -> frozenset[str]:
        """The tables there were once the application, and nothing else, had been imported."""
        self.doubt = self.live.doubt
        return self.live.application_tables
