"""Facts as data: what the probe finds in the running application and what source reads are the same records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..model import NOWHERE, Location


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
class Dependency:
    """A function with a `yield` that a route depends on, and that goes on after the response was sent."""

    name: str
    location: Location
