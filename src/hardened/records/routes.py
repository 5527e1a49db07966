"""Records of the routing table: routes in the order they answer, their dependencies, and the applications around them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ..model import NOWHERE, CouldNotLook, Location


@dataclass(frozen=True)
class CodeRef:
    """A function, class or object of the running application, and the way to its source.

    Attributes:
        identity: equal for two references to one object.
        name: its qualified name; of an object, that of its type.
        dotted: module and qualified name of what is inside of partials, decorators and methods.
        kind: what that is.
        location: its first line, decorators included.
        body: first line of the function that a call runs; nowhere for a class.
    """

    identity: int
    name: str
    dotted: str
    kind: Literal["function", "class", "object"] = "function"
    location: Location = NOWHERE
    body: Location = NOWHERE


@dataclass(frozen=True)
class ModelRange:
    """Two fields of a request's model that are the ends of a range.

    Attributes:
        required: at least one end has to be given.
        problem: what the model takes that is no range; empty where it refuses it or no sample fills the model.
        location: declaration of the upper end.
    """

    model: str
    lower: str
    upper: str
    required: bool
    problem: str
    location: Location


@dataclass(frozen=True)
class ParameterRange:
    """Two query parameters that are the ends of a range; `required` where at least one has to be given."""

    lower: str
    upper: str
    required: bool


@dataclass(frozen=True)
class OpenNumber:
    """A whole number of the query that takes ten million.

    Attributes:
        name: of the parameter, or of the field of a model of parameters.
        model: the model; empty for a parameter that stands alone.
        location: declaration of the field, or the function that takes the parameter.
    """

    name: str
    model: str
    location: Location


@dataclass(frozen=True)
class Dependant:
    """An endpoint or one of its dependencies, and what it takes from a request.

    Attributes:
        call: what is called.
        path: names of its parameters in the path.
        query: those in the query.
        body: those in the body.
        query_ranges: ranges of query parameters that stand alone.
        query_models: ranges in models of query parameters.
        body_models: ranges in models of the body.
        numbers: whole numbers of the query without a maximum.
        scheme: a security scheme of FastAPI that refuses by itself.
        authentication: the configured addresses of authentication that it is, or is made by.
    """

    call: CodeRef
    path: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    query_ranges: tuple[ParameterRange, ...] = ()
    query_models: tuple[ModelRange, ...] = ()
    body_models: tuple[ModelRange, ...] = ()
    numbers: tuple[OpenNumber, ...] = ()
    scheme: bool = False
    authentication: tuple[str, ...] = ()

    @property
    def authenticates(self) -> bool:
        return self.scheme or bool(self.authentication)


@dataclass(frozen=True)
class TextField:
    """A text in a response's model, under the name that a client sees."""

    model: str
    name: str
    shown_as: str
    location: Location


@dataclass(frozen=True)
class Response:
    """The answer of one of FastAPI's endpoints.

    Attributes:
        anything: it has no model, or one that shows each attribute that it is given.
        is_list: its model is a list.
        class_name: the response class; empty for FastAPI's default.
        streams: it is a stream of events.
        texts: the texts in its models that are shown.
        excluded: names that the route leaves out.
        included: names that the route shows alone; empty where it shows all.
    """

    anything: bool = False
    is_list: bool = False
    class_name: str = ""
    streams: bool = False
    texts: tuple[TextField, ...] = ()
    excluded: tuple[str, ...] = ()
    included: tuple[str, ...] = ()


@dataclass(frozen=True)
class Route:
    """One entry of the routing table.

    Attributes:
        methods: the methods that it answers; none stand for every method.
        pattern: regular expression of the paths that it answers, mounts included.
        witness: a path that it answers and few others do.
        within: positions in the table of the mounts it lies in.
        dependants: the endpoint and its dependencies, breadth first; none for a route of Starlette.
        body: FastAPI reads a body for it.
        limits_body: it has `max_body_size`.
        response: its answer; None for a route of Starlette.
    """

    kind: Literal["http", "websocket", "mount"]
    methods: frozenset[str]
    path: str
    pattern: str
    witness: str | None
    endpoint: CodeRef
    host: str = ""
    within: tuple[int, ...] = ()
    dependants: tuple[Dependant, ...] = ()
    body: bool = False
    limits_body: bool = False
    response: Response | None = None

    @property
    def name(self) -> str:
        return self.endpoint.name

    @property
    def location(self) -> Location:
        return self.endpoint.location

    @property
    def called(self) -> str:
        """Name for people, acceptances and lists of routes: `GET /orders/{order_id}`."""
        methods = self.methods - {"HEAD"} or self.methods
        return f"{','.join(sorted(methods)) or self.kind.upper()} {self.path}"

    @cached_property
    def regex(self) -> re.Pattern[str]:
        return re.compile(self.pattern)


@dataclass(frozen=True)
class Cors:
    """The origins that a CORS middleware lets in."""

    origins: tuple[str, ...] = ()
    origin_regex: str | None = None
    credentials: bool = False


@dataclass(frozen=True)
class Middleware:
    """A middleware around an application. `identity` and `dotted` are those of its class or function."""

    identity: int
    dotted: str
    cors: Cors | None = None

    @property
    def name(self) -> str:
        return self.dotted.rpartition(".")[2]


@dataclass(frozen=True)
class ExceptionHandler:
    """A function that answers for an exception, or for a status code where `exception` is empty."""

    exception: str
    function: CodeRef


@dataclass(frozen=True)
class EventHandler:
    """A handler of start-up or shutdown; `run` where the lifespan of an included router runs it."""

    function: CodeRef
    run: bool = False


@dataclass(frozen=True)
class Application:
    """An application with routes: the one that is served, or one that is mounted in it.

    Attributes:
        within: positions in the table of the mounts it lies in.
        middleware: what is around it, outermost first.
        limits_body: it has `max_body_size`.
        event_handlers: `on_event`, `on_startup` and `on_shutdown` of its router.
        runs_events: its lifespan runs them.
        lifespan: its own lifespan, inside of those it was merged with; None where it has none.
    """

    within: tuple[int, ...] = ()
    middleware: tuple[Middleware, ...] = ()
    limits_body: bool = False
    exception_handlers: tuple[ExceptionHandler, ...] = ()
    event_handlers: tuple[EventHandler, ...] = ()
    runs_events: bool = True
    lifespan: CodeRef | None = None

    def is_around(self, route: Route) -> bool:
        return route.within[: len(self.within)] == self.within


@dataclass(frozen=True)
class RoutingTable:
    """The routes in the order in which they answer, and the applications that have them, the served one first.

    Attributes:
        unread: why models of requests and responses could not be looked into; empty where they were.
    """

    routes: tuple[Route, ...]
    applications: tuple[Application, ...] = ()
    unread: str = ""

    def require_models(self) -> None:
        """End a rule that judges models.

        Raises:
            CouldNotLook: they could not be looked into.
        """
        if self.unread:
            raise CouldNotLook(self.unread)


@dataclass(frozen=True)
class Step:
    """A function that runs for a request.

    Attributes:
        threaded: it is no coroutine, so it waits for a thread.
        types: the classes that it takes or returns, as dotted names.
        location: first line of its code.
    """

    name: str
    threaded: bool
    types: tuple[str, ...]
    location: Location


@dataclass(frozen=True)
class GetRoute:
    """A route that answers GET, and all that runs for it, the route's own function first."""

    pattern: str
    steps: tuple[Step, ...]

    def answers(self, path: str) -> bool:
        return re.match(self.pattern, path) is not None


@dataclass(frozen=True)
class Dependency:
    """A function with a `yield` that a route depends on, and that ends after the response was sent."""

    name: str
    location: Location
