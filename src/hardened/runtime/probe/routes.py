"""Section `routes`: the routing table in the order in which routes answer, and the applications that have the routes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from . import _schemas as schemas
from ._code import CodeRefs, dotted, name_of
from ._guard import words
from ._routing import (
    Host,
    Mount,
    Route,
    WebSocketRoute,
    below_middleware,
    dependants,
    entries,
    iter_route_contexts,
    library,
    served,
)
from ._world import NOWHERE, Unreadable, World, unwrapped

SecurityBase: Any = getattr(library("fastapi.security.base"), "SecurityBase", None)
#: One value for each converter, most general first: the first one that a converter takes is one that
#: narrower converters do not, so a witness is answered by its own route and by more general ones.
VALUES = ("zz/yy", "zz~yy", "7.25", "00000000-0000-4000-8000-00000000000a", "7", "2020-02-02", "zz", "ZZ")
_REST = "/(.*)$"
_LIBRARIES = {"fastapi", "starlette"}
_CREDENTIALS = "Access-Control-Allow-Credentials"


def gather(world: World) -> dict[str, Any]:
    """The routes, and the applications that have them, the served one first."""
    served(world)
    walk = _Walk(world)
    walk.over(walk.meet(world.there("application")).routes)
    if walk.opaque:
        lazy = iter_route_contexts is None and library("fastapi") is not None
        older = " of this FastAPI; 0.165 and newer show it" if lazy else ""
        raise Unreadable(f"cannot see into {', '.join(sorted(walk.opaque))} in the routing table{older}")
    if all(
        each["endpoint"]["dotted"].partition(".")[0] in _LIBRARIES and each["kind"] != "mount" for each in walk.routes
    ):
        raise Unreadable("the application has no route of its own, so there is nothing to compare")
    unread = list(dict.fromkeys(walk.parameters.unread))
    if schemas.BaseModel is None and any(each.get("dependants") for each in walk.routes):
        unread = ["models of pydantic before 2.0 are not looked into"]
    return {
        "routes": walk.routes,
        "applications": walk.applications,
        "unread": "; ".join(unread),
    }


class _Place(NamedTuple):
    """Path, pattern and witness of an entry of the table, mounts included."""

    path: str
    pattern: str
    witness: str | None


_TOP = _Place("", "", "")


class _Walk:
    """A walk over the routing table."""

    def __init__(self, world: World) -> None:
        self.refs = CodeRefs(world)
        self.parameters = _Parameters(world, self.refs)
        self.routes: list[dict[str, Any]] = []
        self.applications: list[dict[str, Any]] = []
        self.opaque: set[str] = set()

    def meet(self, application: Any, within: Sequence[int] = ()) -> Any:
        """Note an application with what is around it, and return the one inside that has the routes."""
        inner = below_middleware(application)
        if inner is None:
            return None
        around = []
        while application is not inner:
            around.append(_middleware(type(application), vars(application)))
            application = application.app
        for each in getattr(inner, "user_middleware", ()):
            around.append(_middleware(each.cls, _options(each)))
        self.applications.append(
            {
                "within": list(within),
                "middleware": around,
                "limits_body": getattr(inner, "max_body_size", None) is not None,
                "exception_handlers": [
                    {"exception": dotted(kind) if isinstance(kind, type) else "", "function": self.refs.of(handler)}
                    for kind, handler in (getattr(inner, "exception_handlers", None) or {}).items()
                ],
                **_lifecycle(getattr(inner, "router", inner), self.refs),
            }
        )
        return inner

    def over(
        self,
        routes: Iterable[Any],
        above: _Place = _TOP,
        host: str = "",
        within: Sequence[int] = (),
    ) -> None:
        """Note these routes; `above` are path, pattern and witness of the mount that they lie in."""
        for entry in entries(routes):
            original = entry.original_route
            if isinstance(original, Host):
                self.over(entry.routes, above, entry.host, within)
            elif isinstance(original, Mount):
                self._mount(entry, above, host, within)
            elif isinstance(original, (Route, WebSocketRoute)):
                self._endpoint(entry, above, host, within)
            else:
                self.opaque.add(type(original).__name__)

    def _mount(self, entry: Any, above: _Place, host: str, within: Sequence[int]) -> None:
        place = _below(above, entry)
        position = len(self.routes)
        endpoint = {**self.refs.of(entry.app), "location": NOWHERE}
        self.routes.append(self._record("mount", place, endpoint, host, within))
        inside = [*within, position]
        # Without the mount's own middleware.
        self.meet(getattr(entry.original_route, "_base_app", None) or entry.app, inside)
        prefix = place.witness.removesuffix("/" + VALUES[0]) if place.witness else ""
        below = _Place(place.path, place.pattern.removesuffix(_REST), prefix)
        self.over(getattr(entry, "routes", None) or [], below, host, inside)

    def _endpoint(self, entry: Any, above: _Place, host: str, within: Sequence[int]) -> None:
        http = isinstance(entry.original_route, Route)
        record = self._record(
            "http" if http else "websocket", _below(above, entry), self.refs.of(entry.endpoint), host, within
        )
        record["methods"] = sorted(getattr(entry, "methods", None) or ()) if http else []
        record["dependants"] = [self.parameters.of(each) for each in dependants(entry)]
        record["body"] = getattr(entry, "body_field", None) is not None
        record["limits_body"] = getattr(entry, "max_body_size", None) is not None
        record["response"] = self.parameters.response(entry) if hasattr(entry, "response_model") else None
        self.routes.append(record)

    @staticmethod
    def _record(kind: str, place: _Place, endpoint: dict[str, Any], host: str, within: Sequence[int]) -> dict[str, Any]:
        return {
            "kind": kind,
            "methods": [],
            "path": place.path,
            "pattern": place.pattern,
            "witness": place.witness,
            "endpoint": endpoint,
            "host": host,
            "within": list(within),
        }


def _below(above: _Place, entry: Any) -> _Place:
    """Place of an entry in a mount."""
    # Names go: a prefix and a path below it may use one name for two parameters.
    pattern = re.sub(r"\(\?P<\w+>", "(", entry.path_regex.pattern.removeprefix("^"))
    value = _witness(entry.path_format or "", entry.param_convertors)
    witness = None if value is None or above.witness is None else above.witness + value
    return _Place(above.path + (entry.path or ""), above.pattern + pattern, witness)


def _witness(path_format: str, convertors: dict[str, Any]) -> str | None:
    for name, convertor in convertors.items():
        fitting = [value for value in VALUES if re.fullmatch(convertor.regex, value)]
        if not fitting:
            return None
        path_format = path_format.replace("{" + name + "}", fitting[0])
    return path_format


class _Parameters:
    """Parameters and responses of endpoints and dependencies; each dependency and each model is read once."""

    def __init__(self, world: World, refs: CodeRefs) -> None:
        self.world = world
        self.refs = refs
        found = {address: world.find(address) for address in world.request["config"].get("authentication", ())}
        self._authentication = {address: thing for address, thing in found.items() if thing is not None}
        self._dependants: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._ranges: dict[Any, list[dict[str, Any]]] = {}
        self._numbers: dict[Any, list[dict[str, Any]]] = {}
        self._texts: dict[Any, dict[str, Any]] = {}
        self.unread: list[str] = []
        """Reasons why models could not be looked into."""

    def of(self, dependant: Any) -> dict[str, Any]:
        if id(dependant) not in self._dependants:
            # It is kept, so that its identity is not given to another one.
            self._dependants[id(dependant)] = dependant, self._make(dependant)
        return self._dependants[id(dependant)][1]

    def _make(self, dependant: Any) -> dict[str, Any]:
        call = self.refs.of(dependant.call)
        return {
            "call": call,
            "path": [each.name for each in dependant.path_params],
            "query": [each.name for each in dependant.query_params],
            "body": [each.name for each in dependant.body_params],
            "scheme": SecurityBase is not None
            and isinstance(dependant.call, SecurityBase)
            and bool(getattr(dependant.call, "auto_error", True)),
            "authentication": [
                address for address, thing in self._authentication.items() if _is_by(dependant.call, thing)
            ],
            **self._read(call["name"], lambda: self._taken(dependant, call)),
        }

    def _read(self, name: str, read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Facts from models; none where a model fails, which does not hide the others."""
        try:
            return read()
        except Exception as error:
            self.unread.append(f"the models of {name} cannot be looked into: {type(error).__name__}: {words(error)}")
            return {}

    def _taken(self, dependant: Any, call: dict[str, Any]) -> dict[str, Any]:
        """The ranges and numbers that a dependency takes from the query and the body."""
        query = {each.name: each for each in dependant.query_params}
        kinds = {name: _annotation(each) for name, each in query.items()}
        numbers = [
            {"name": name, "model": "", "location": call["location"]}
            for name, field in query.items()
            if schemas.is_number(kinds[name])
            and schemas.largest_number(kinds[name], getattr(field.field_info, "metadata", ()))
        ]
        return {
            "query_ranges": [
                {
                    "lower": each.lower,
                    "upper": each.upper,
                    "required": _required(query[each.lower]) or _required(query[each.upper]),
                }
                for each in schemas.pairs(kinds)
            ],
            "query_models": [one for kind in kinds.values() for one in self._models(kind)],
            "body_models": [one for each in dependant.body_params for one in self._models(_annotation(each))],
            "numbers": numbers + [one for kind in kinds.values() for one in self._fields(kind)],
        }

    def _models(self, annotation: Any) -> Iterator[dict[str, Any]]:
        """The ranges in the models of an annotation."""
        for model in schemas.models_of(annotation):
            if model not in self._ranges:
                fields = model.model_fields
                self._ranges[model] = [
                    {
                        "model": model.__name__,
                        "lower": each.lower,
                        "upper": each.upper,
                        "required": fields[each.lower].is_required() or fields[each.upper].is_required(),
                        "problem": schemas.range_problem(model, each),
                        "location": schemas.location_of_field(model, each.upper, self.world),
                    }
                    for each in schemas.pairs({name: field.annotation for name, field in fields.items()})
                ]
            yield from self._ranges[model]

    def _fields(self, annotation: Any) -> Iterator[dict[str, Any]]:
        """The whole numbers without a maximum in the models of an annotation."""
        for model in schemas.models_of(annotation):
            if model not in self._numbers:
                self._numbers[model] = [
                    {
                        "name": name,
                        "model": model.__name__,
                        "location": schemas.location_of_field(model, name, self.world),
                    }
                    for name, field in model.model_fields.items()
                    if schemas.is_number(field.annotation) and schemas.largest_of_field(model, name)
                ]
            yield from self._numbers[model]

    def response(self, entry: Any) -> dict[str, Any]:
        own = getattr(entry, "response_class", None)
        given = None if type(own).__name__ == "DefaultPlaceholder" else own
        model = entry.response_model
        return {
            "class_name": "" if given is None else name_of(given),
            "streams": bool(getattr(entry, "is_sse_stream", False)),
            "excluded": [str(each) for each in entry.response_model_exclude or ()],
            "included": [str(each) for each in entry.response_model_include or ()],
            **self._read(
                name_of(entry.endpoint),
                lambda: {
                    "anything": model is None or schemas.shows_everything(model),
                    "is_list": schemas.is_list(model),
                    "texts": [self._text(*each) for each in schemas.texts(model)],
                },
            ),
        }

    def _text(self, model: type, name: str, shown_as: str) -> dict[str, Any]:
        if (model, name) not in self._texts:
            location = schemas.location_of_field(model, name, self.world)
            made = {"model": model.__name__, "name": name, "shown_as": shown_as, "location": location}
            self._texts[model, name] = made
        return self._texts[model, name]


def _annotation(field: Any) -> Any:
    """Annotation of a parameter; a field of pydantic 1 keeps it elsewhere."""
    return getattr(field.field_info, "annotation", None) or getattr(field, "outer_type_", None)


def _required(field: Any) -> bool:
    required = getattr(field.field_info, "is_required", None)
    return bool(required() if required else field.required)


def _is_by(call: Any, thing: Any) -> bool:
    """Decide whether a dependency is this thing, an object of it, or made by it."""
    inner = unwrapped(call)
    if call is thing or inner is unwrapped(thing):
        return True
    if isinstance(thing, type):
        # By identity: `isinstance` runs code of the class.
        kinds = (*type(call).__mro__, *type(getattr(call, "__self__", None)).__mro__)
        return any(each is thing for each in kinds)
    return dotted(inner).startswith(f"{dotted(thing)}.<locals>.")


# Applications


def _options(middleware: Any) -> dict[str, Any]:
    """The options of a middleware under their names, those that are given by position too."""
    named = getattr(middleware, "kwargs", None)
    if named is None:  # before Starlette 0.35
        return dict(middleware.options)
    try:
        bound = inspect.signature(middleware.cls).bind(None, *middleware.args, **named)
    except (TypeError, ValueError):
        return dict(named)
    bound.apply_defaults()
    return dict(bound.arguments)


def _middleware(cls: Any, options: dict[str, Any]) -> dict[str, Any]:
    """A middleware, and of its options those of CORS alone: others may be secrets."""
    is_cors = any(each.__name__ == "CORSMiddleware" for each in getattr(cls, "__mro__", ()))
    return {"identity": id(cls), "dotted": dotted(cls), "cors": _cors(options) if is_cors else None}


def _cors(options: dict[str, Any]) -> dict[str, Any]:
    pattern = options.get("allow_origin_regex")
    # An object of an older Starlette keeps of this option the header alone.
    header = _CREDENTIALS in (options.get("simple_headers") or ())
    return {
        "origins": [str(each) for each in options.get("allow_origins") or ()],
        "origin_regex": None if pattern is None else str(getattr(pattern, "pattern", pattern)),
        "credentials": bool(options.get("allow_credentials")) or header,
    }


def _lifecycle(router: Any, refs: CodeRefs) -> dict[str, Any]:
    """The handlers of start-up and shutdown, and the lifespan that runs them or not."""
    runs, others = _run_by(router)
    handlers = [*getattr(router, "on_startup", ()), *getattr(router, "on_shutdown", ())]
    lifespan = _lifespan_of(router)
    return {
        "event_handlers": [
            {"function": refs.of(each), "run": any(each == other for other in others)} for each in handlers
        ],
        "runs_events": runs,
        "lifespan": None if lifespan is None else refs.of(lifespan),
    }


def _cells(function: Any) -> Iterator[Any]:
    """The callables that a function holds, classes apart."""
    for cell in getattr(function, "__closure__", None) or ():
        try:
            held = cell.cell_contents
        except ValueError:  # not filled yet
            continue
        if callable(held) and not isinstance(held, type):
            yield held


def _run_by(router: Any) -> tuple[bool, list[Any]]:
    """Decide whether a router's lifespan runs its handlers, and find those of included routers that it runs."""
    pending: list[Any] = [getattr(router, "lifespan_context", None)]
    seen: set[int] = set()
    runs, others = False, []
    while pending:
        each = pending.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        if type(each).__name__ == "_DefaultLifespan":
            inner = getattr(each, "_router", router)
            runs = runs or inner is router
            others += [*getattr(inner, "on_startup", ()), *getattr(inner, "on_shutdown", ())]
            continue
        # A lifespan that is merged with that of an included router holds both.
        pending.append(getattr(each, "__wrapped__", None))
        pending += _cells(each)
    return runs, others


def _lifespan_of(router: Any) -> Any:
    """The lifespan that somebody wrote, inside of those that it was merged into; None for the libraries' own."""
    each: Any = getattr(router, "lifespan_context", None)
    while getattr(each, "__wrapped__", None) is not None and each.__wrapped__.__name__ == "merged_lifespan":
        inner = list(_cells(each.__wrapped__))
        if not inner:
            break
        each = next((one for one in reversed(inner) if type(one).__name__ != "_DefaultLifespan"), inner[0])
    return None if type(each).__name__ == "_DefaultLifespan" else each
