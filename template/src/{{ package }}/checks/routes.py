# Owned by the template.
"""RT: guards of the routing table."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from ._config import FILE
from ._endpoints import (
    added,
    allows_credentials,
    any_origin,
    authenticates,
    bounds,
    called,
    calls_of,
    construction,
    dotted,
    echoes_origin,
    fits,
    full_name,
    function_of,
    helpers_of,
    is_cors,
    is_list,
    is_of,
    is_response,
    is_written_out,
    lifespan_of,
    own_endpoints,
    place_of,
    run_by,
    secret_key,
)
from ._facts import Facts, Route
from ._findings import CouldNotLook, DoesNotApply, Finding, Guard, Place
from ._functions import Function, mentions, plain_names
from ._rows import Owners, Statement, statements
from ._source import words

LIMITS = {"limit", "size", "count", "top", "take", "page_size", "pagesize", "per_page", "perpage", "page_limit"}
LIMITS |= {"max_results", "maxresults", "num_results", "results_per_page", "items_per_page", "batch_size", "n"}
BODYLESS = {"GET", "HEAD", "OPTIONS", "TRACE"}


class RT001(Guard):
    """Two handlers answer the same request, and the first one registered wins without a word.

    Two routers both served `POST /ingest/raw`; the real pipeline never ran, and nothing said so. The
    same holds for a literal path behind an earlier parametrised one (`/items/{id}` before
    `/items/me`, also when the parameter is annotated `int`: the path takes any text), for whatever
    lies behind a mount or a `{rest:path}`, for `{id}` against `{item_id}`, and for two handlers that
    only a trailing slash tells apart.

    Give one of the two another path, delete it, or register the specific one first. Quiet are: a
    specific path before a general one, other methods on one path, one function under two paths, and
    routers made by one factory under different prefixes.
    """

    at_start = True

    def judge(self, facts: Facts) -> Iterator[Finding]:
        routes = facts.routes
        hidden: set[int] = set()
        for position, later in enumerate(routes):
            if not hidden.isdisjoint(later.within):
                continue
            for before, earlier in enumerate(routes[:position]):
                if before not in later.within and (how := _collision(earlier, later)):
                    hidden.add(position)
                    yield self._told(earlier, later, how)
                    break

    def _told(self, earlier: Route, later: Route, how: str) -> Finding:
        methods = ", ".join(sorted(_common(earlier, later))) or later.kind
        message = (
            f"{methods} {later.path}: {later.name} ({later.place}) {how} "
            f"{earlier.name} ({earlier.place}) answers {earlier.path} first; "
            "give one of them another path, delete it, or register the more specific one first"
        )
        place = later.place if later.place.file else earlier.place
        return self.finding(message, place, f"{methods} {later.path}")


def _common(earlier: Route, later: Route) -> frozenset[str]:
    """The methods that both answer; none when either answers every method."""
    if earlier.methods and later.methods:
        return earlier.methods & later.methods
    return earlier.methods or later.methods


def _collision(earlier: Route, later: Route) -> str:
    """What the earlier route does to the later one; empty when both can be reached."""
    if earlier.kind != later.kind and "mount" not in (earlier.kind, later.kind):
        return ""
    if earlier.kind == "websocket" and later.kind == "mount":  # files, mostly: it answers no websocket
        return ""
    if earlier.host not in ("", later.host):
        return ""
    if earlier.methods and later.methods and not earlier.methods & later.methods:
        return ""
    same = earlier.endpoint is later.endpoint
    if earlier.pattern.pattern == later.pattern.pattern:
        return "is registered twice:" if same else "never runs:"
    if same or earlier.witness is None or later.witness is None:
        return ""
    if earlier.pattern.match(later.witness):
        return "never runs:"
    siblings = earlier.within == later.within and "mount" not in (earlier.kind, later.kind)
    if siblings and earlier.pattern.match(_toggled(later.witness)) and later.pattern.match(_toggled(earlier.witness)):
        return "differs by a trailing slash alone:"
    return ""


def _toggled(path: str) -> str:
    return path.removesuffix("/") if path.endswith("/") else path + "/"


class RT002(Guard):
    """An attribute that is read and is not there.

    mypy looks through the package and each attribute that it does not find is named. Quiet are names that a
    module lacks, since those fail when it is imported, and whatever else mypy says: that is for the type check itself.
    """

    only_selected = "a type check takes a minute: `check --select RT002`, or `nox -s types`"

    def judge(self, facts: Facts) -> Iterator[Finding]:
        for each in facts.types:
            message = each.message[0].lower() + each.message[1:]
            yield self.finding(f"{message}: whoever gets here gets an AttributeError; name what is there", each.place)


class RT003(Guard):
    """A range in a request that may end before it begins, or never.

    Two fields of a request's model, or two parameters, that are a range by their names and types (`start` and `end`,
    `since` and `until`, `min_price` and `max_price`). A model is given samples: the two exchanged must be refused, and,
    of days or moments that are both required, a century as well. Parameters that stand alone must be compared with each
    other somewhere behind the endpoint. Quiet are models that no sample fills, identifiers (`from_account`), times of
    the day, a century where an end may be left open, and filters in a query of which neither end has to be given:
    exchanged they find nothing, and that is all.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        from . import _live_schemas as models  # noqa: PLC0415 - a service that starts has no use for it
        from ._live_routes import dependants  # noqa: PLC0415 - a project without FastAPI has the other guards

        judged: set[tuple[type, str]] = set()
        routes = own_endpoints(facts)
        for route in routes:
            for dependant in dependants(route):
                asked = [each.field_info for each in dependant.query_params]
                sent = [each.field_info for each in dependant.body_params]
                for info in (*asked, *sent):
                    for model, found in self._ranges(info.annotation, filters=info in asked):
                        problem = (model, found.upper) not in judged and models.range_problem(model, found)
                        judged.add((model, found.upper))
                        if problem:
                            yield self.finding(
                                f"{model.__name__} {problem}: refuse it in the model, so that {route.called} answers 422",
                                models.place_of_field(model, found.upper, facts.config.root),
                                f"{model.__name__}.{found.upper}",
                            )
                alone = {each.name: each.field_info for each in dependant.query_params}
                for found in models.pairs({name: info.annotation for name, info in alone.items()}):
                    if not any(alone[each].is_required() for each in (found.lower, found.upper)):
                        continue
                    function = function_of(facts, dependant.call)
                    if function and not self._compared(facts, function, found.lower, found.upper):
                        yield self.finding(
                            f"{route.called} takes any {found.lower} with any {found.upper}, and nothing behind it "
                            "compares them: refuse an end before the start, and a range that is too long",
                            place_of(dependant.call, facts),
                            f"{route.called} {found.upper}",
                        )

    @staticmethod
    def _ranges(annotation: object, *, filters: bool) -> Iterator[tuple[Any, Any]]:
        """The models in an annotation, with their ranges; of filters, those with an end that has to be given."""
        from . import _live_schemas as models  # noqa: PLC0415 - a service that starts has no use for it

        for model in models.models_of(annotation):
            fields = model.model_fields
            for found in models.pairs({name: field.annotation for name, field in fields.items()}):
                if not filters or fields[found.lower].is_required() or fields[found.upper].is_required():
                    yield model, found

    @staticmethod
    def _compared(facts: Facts, function: Function, lower: str, upper: str) -> bool:
        """Whether the two are compared or subtracted, or handed to what may do so and cannot be seen into."""
        pending, seen = [(function, lower, upper)], set()
        while pending:
            here, low, high = pending.pop()
            if (here.name, low, high) in seen:
                continue
            seen.add((here.name, low, high))
            lows, highs = here.spread([low]), here.spread([high])
            for node in ast.walk(here.node):
                if isinstance(node, (ast.Compare, ast.BinOp)):
                    sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else [node.left, node.right]
                    names = [plain_names(each) for each in sides]
                    if any(lows & each for each in names) and any(highs & each for each in names):
                        return True
            for use in here.uses:
                given = [*use.node.args, *(each.value for each in use.node.keywords)]
                if not all(any(here.is_brought(each, names) for each in given) for names in (lows, highs)):
                    continue
                other = facts.functions.called(use)
                if other is None:
                    if use.name.startswith(facts.config.package):
                        return True  # a class, such as a model that has the rules
                    continue
                below = [facts.functions.handed_on(use, other, here, names) for names in (lows, highs)]
                if below[0] and below[1]:
                    pending.append((other, below[0][0], below[1][0]))
        return False


class RT004(Guard):
    """A row that is found by an identifier from the request, whoever it belongs to.

    A statement on a model that has an owner (one of `owner-columns`), chosen by an identifier that the path, the query
    or the body brought, behind an endpoint: `session.get(Model, id)`, `select(...).where(Model.id == id)`, `update` and
    `delete`. Quiet are a statement that names the owner, in a join or a condition made elsewhere too, a row whose owner
    is compared afterwards, one that is chosen by a secret (a token's digest), and what goes through one of
    `owner-helpers`. What only administrators reach is accepted, with the route as `where`.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        from ._live_routes import dependants  # noqa: PLC0415 - a project without FastAPI has the other guards

        columns = facts.config.owner_columns
        if not columns:
            raise DoesNotApply("no `owner-columns` in [tool.hardening]")
        models = {name for name, declared in facts.row_models.items() if declared.intersection(columns)}
        if not models:
            raise DoesNotApply(f"no model has one of the owner-columns {', '.join(columns)}")
        helpers = helpers_of(facts)
        owners = Owners(facts.functions, facts.row_models, columns, helpers)
        for route in own_endpoints(facts, websockets=True):
            told: set[ast.AST] = set()
            for dependant in dependants(route):
                function = function_of(facts, dependant.call)
                fields = (dependant.path_params, dependant.query_params, dependant.body_params)
                brought = [field.name for each in fields for field in each]
                if function is None or not brought:
                    continue
                for inner, names, callers in facts.functions.reached(function, brought, without=helpers):
                    for each in statements(inner) if names else ():
                        if (
                            each.use.node not in told
                            and models.intersection(each.models)
                            and each.is_by_identifier(names)
                            and not owners.carries(each)
                            and not owners.looked_at(each, callers)
                        ):
                            told.add(each.use.node)
                            yield self._told(route, each, models, columns)

    def _told(self, route: Route, statement: Statement, models: set[str], columns: tuple[str, ...]) -> Finding:
        model = next(each for each in statement.models if each in models).rpartition(".")[2]
        return self.finding(
            f"{route.called} finds a {model} by what the request says, whoever it belongs to; "
            f"ask for {' or '.join(columns)} in the same statement",
            statement.place,
            route.called,
        )


class RT005(Guard):
    """A route that asks nobody who they are and is not on the list of those that need not.

    An endpoint of the project, websockets too, without one of the dependencies of `authentication` anywhere below it,
    its routers or its application; a class named there counts where a dependency is an object of it or where it is a
    middleware, a function also where the dependency was made by it. One of FastAPI's security schemes counts as long as
    it refuses by itself (`auto_error`). `public-routes` lists the others: `GET /health/*`, `* /status`, `WEBSOCKET /live`.
    Entries of either list that stand for nothing are named too. Quiet are mounted files and the documentation's routes.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        if not facts.config.authentication:
            raise DoesNotApply("no `authentication` in [tool.hardening]")
        known = facts.named("authentication")
        used: set[str] = set()
        routes = own_endpoints(facts, websockets=True)
        for address, thing in known.items():
            if thing is None:
                message = f"authentication names {address}, and there is no such thing; correct the name"
                yield self.finding(message, Place(FILE), address)
        for route in routes:
            if any(authenticates(call, known) for call in calls_of(route)) or self._behind(route, facts, known):
                continue
            entries = [each for each in facts.config.public_routes if fits(route, each)]
            used.update(entries)
            if not entries:
                yield self.finding(
                    f"{route.called} ({route.name}) asks nobody who they are; give it or its router the dependency "
                    "that does, or list it in public-routes",
                    route.place,
                    route.called,
                )
        for entry in facts.config.public_routes:
            if entry not in used:
                message = f"public-routes has {entry!r}, and no route without authentication is that; remove the entry"
                yield self.finding(message, Place(FILE), entry)

    @staticmethod
    def _behind(route: Route, facts: Facts, known: dict[str, object]) -> bool:
        return any(
            cls in known.values() for each in facts.applications if each.is_around(route) for cls, _ in each.middleware
        )


class RT006(Guard):
    """A list with no maximum.

    A query parameter that says how many (`limit`, `page_size`, `per_page`, ...) and takes ten million; or a response
    that is a list, with a `select(...)` or `query(...)` behind it that nothing bounds. Quiet are a number that the code
    bounds with `min()` or a comparison, a statement with a limit, a slice or given identifiers, and one that counts,
    groups or takes a single row.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        from ._live_routes import dependants  # noqa: PLC0415 - a project without FastAPI has the other guards

        told: set[object] = set()
        for route in own_endpoints(facts):
            for dependant in dependants(route):
                for place, name in self._open(dependant, facts):
                    if (place, name) not in told:
                        told.add((place, name))
                        message = (
                            f"{route.called} takes any {name}, ten million too; give it a maximum, such as `le=100`"
                        )
                        yield self.finding(message, place, f"{route.called} {name}")
            function = function_of(facts, route.endpoint)
            if function is None or not is_list(getattr(route.context, "response_model", None)):
                continue
            for inner, _, callers in facts.functions.reached(function):
                for each in statements(inner) if len(callers) < 3 else ():
                    if each.use.node not in told and self._is_unbounded(each):
                        told.add(each.use.node)
                        yield self.finding(
                            f"{route.called} answers with all rows that there are, however many; give the statement a "
                            "limit, and the list pages",
                            each.place,
                            route.called,
                        )

    @staticmethod
    def _open(dependant: Any, facts: Facts) -> Iterator[tuple[Place, str]]:
        from . import _live_schemas as models  # noqa: PLC0415 - a service that starts has no use for it

        for field in dependant.query_params:
            info = field.field_info
            for model in models.models_of(info.annotation):
                for name, inner in model.model_fields.items():
                    if (
                        name.lower() in LIMITS
                        and models.is_number(inner.annotation)
                        and models.largest_of_field(model, name)
                    ):
                        yield models.place_of_field(model, name, facts.config.root), name
            if field.name.lower() in LIMITS and models.is_number(info.annotation):
                function = function_of(facts, dependant.call)
                bounded = function is not None and bounds(function, field.name)
                if not bounded and models.largest_number(info.annotation, info.metadata):
                    yield place_of(dependant.call, facts), field.name

    @staticmethod
    def _is_unbounded(statement: Statement) -> bool:
        if statement.use.last not in ("select", "query") or not statement.models:
            return False
        bounded = {
            "limit",
            "slice",
            "fetch",
            "first",
            "one",
            "one_or_none",
            "scalar",
            "scalar_one",
            "scalar_one_or_none",
        }
        bounded |= {
            "in_",
            "count",
            "group_by",
            "exists",
            "subquery",
            "cte",
            "fetchone",
            "fetchmany",
            "partitions",
            "paginate",
        }
        bounded |= {"get", "scalar_subquery", "islice", "yield_per", "distinct", "max", "min", "sum"}
        if statement.calls & bounded or not statement.calls & {
            "scalars",
            "execute",
            "all",
            "stream",
            "stream_scalars",
            "exec",
        }:
            return False
        return not any(isinstance(node, ast.Slice) for part in statement.chain for node in ast.walk(part))


class RT007(Guard):
    """A body with no maximum.

    A route that takes a body, of an application that limits none: no `max_body_size` of FastAPI on the application, the
    router or the route, and no middleware that is named in `body-limits` or is Starlette's own. Where no route has a
    limit the application is named, once; else each route that has none. What a proxy in front of the service limits is
    accepted, with the proxy as the reason.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        known = facts.named("body_limits")
        for address, thing in known.items():
            if thing is None:
                yield self.finding(
                    f"body-limits names {address}, and there is no such thing; correct it", Place(FILE), address
                )
        taking = [each for each in own_endpoints(facts) if self._takes_body(each, facts)]
        if not taking:
            raise DoesNotApply("no route takes a body")
        open_ones = [each for each in taking if not self._is_limited(each, facts, known)]
        if open_ones == taking:
            more = f" and {len(taking) - 1} more" if taking[1:] else ""
            yield self.finding(
                f"nothing limits how large a body may be, and {taking[0].called}{more} read all of it into memory; "
                "give the application `max_body_size`, or name the middleware that limits it in body-limits",
                construction(facts),
                "application",
            )
            return
        for route in open_ones:
            message = f"{route.called} takes a body of any size, and others have a limit; give it `max_body_size`"
            yield self.finding(message, route.place, route.called)

    @staticmethod
    def _takes_body(route: Route, facts: Facts) -> bool:
        if route.methods and not route.methods - BODYLESS:
            return False
        if getattr(route.context, "body_field", None) is not None:
            return True
        function = function_of(facts, route.endpoint)
        reads = {"body", "json", "form", "stream"}
        return function is not None and any(
            use.last in reads and use.name.rpartition(".")[0].endswith("Request()") for use in function.uses
        )

    @staticmethod
    def _is_limited(route: Route, facts: Facts, known: dict[str, object]) -> bool:
        if getattr(route.context, "max_body_size", None) is not None:
            return True
        for each in facts.applications:
            if each.is_around(route):
                if getattr(each.served, "max_body_size", None) is not None:
                    return True
                if any(
                    cls in known.values() or called(cls) == "RequestBodyLimitMiddleware" for cls, _ in each.middleware
                ):
                    return True
        return False


class RT008(Guard):
    """A response that shows whatever it is given, or a secret.

    A response without a model (or of `Any`, a bare `dict`) shows each field that the object has, those of tomorrow
    too; so does `JSONResponse(row.__dict__)`. Quiet are responses made by hand, those that are written out as constants,
    attributes and conversions, and endpoints that give nothing.

    A text in a response's model that is a secret by its name (`password_hash`, `api_key`, `reset_token`), unless it is a
    `SecretStr`, excluded, or the endpoint has one of the decorators that `secret-responses` names, for what is
    shown once and on purpose.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        from . import _live_schemas as models  # noqa: PLC0415 - a service that starts has no use for it

        declared = {dotted(facts, each) for each in facts.config.secret_responses}
        told: set[tuple[object, str]] = set()
        for route in own_endpoints(facts):
            context = route.context
            if not hasattr(context, "response_model"):
                continue  # Starlette's own, which make their responses by hand
            function = function_of(facts, route.endpoint)
            if context.response_model is None or models.shows_everything(context.response_model):
                yield from self._raw(route, function, facts)
            yield from self._by_hand(route, function)
            decorators = function.node.decorator_list if function else []
            if any(function and function.names.meaning(each) in declared for each in decorators):
                continue
            hidden = set(context.response_model_exclude or ())
            only = context.response_model_include
            for model, name in models.secret_fields(context.response_model, hidden):
                if (model, name) not in told and (not only or name in only):
                    told.add((model, name))
                    yield self.finding(
                        f"{route.called} answers with {model.__name__}.{name}, a secret by its name; take it out of the "
                        "model, or mark the endpoint as one that shows it on purpose",
                        models.place_of_field(model, name, facts.config.root),
                        f"{model.__name__}.{name}",
                    )

    def _raw(self, route: Route, function: Function | None, facts: Facts) -> Iterator[Finding]:
        from fastapi.datastructures import DefaultPlaceholder  # noqa: PLC0415 - as it is where routes are

        own_class = getattr(route.context, "response_class", None)
        made = not isinstance(own_class, DefaultPlaceholder) and "JSON" not in called(own_class)
        if function is None or made or getattr(route.context, "is_sse_stream", False):
            return
        if is_response(function.names.instance(function.node.returns)):
            return
        for value in function.returned:
            secret = secret_key(value)
            if secret or not is_written_out(value, function, facts):
                what = (
                    f"a {secret!r}, a secret by its name"
                    if secret
                    else f"whatever {words(ast.unparse(value), 60)} holds"
                )
                yield self.finding(
                    f"{route.called} has no model of its response, and answers with {what}; annotate what it returns "
                    "with a model of what may be seen",
                    route.place,
                    route.called,
                )
                return

    def _by_hand(self, route: Route, function: Function | None) -> Iterator[Finding]:
        for use in function.uses if function else ():
            if use.last.endswith("JSONResponse") and use.name.startswith(("fastapi.", "starlette.")):
                everything = mentions(use.node, ["__dict__"]) or any(
                    isinstance(each, ast.Call) and getattr(each.func, "id", "") == "vars" for each in ast.walk(use.node)
                )
                if everything:
                    yield self.finding(
                        f"{route.called} answers with all attributes of an object; make a model of what may be seen",
                        use.place,
                        route.called,
                    )


class RT009(Guard):
    """The text of an exception in a response.

    In an `except` block, or a function that handles exceptions of the application: `str(error)`, `f"{error}"`,
    `repr(error)`, `error.args`, `traceback.format_exc()` in an HTTPException, a response, a message on a websocket, or what
    the endpoint returns, directly or through a function or exception of the project that becomes a response.
    `FastAPI(debug=True)` shows whole tracebacks.

    Quiet are exceptions of the project itself and `ValueError`, since somebody wrote their texts for whoever reads
    them; what repeats only what was sent (validation, JSON); and what stands under a condition on debugging.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        from ._shown import Shown  # noqa: PLC0415 - a service that starts has no use for it

        endpoints: list[Function] = []
        handlers: dict[Function, str] = {}
        registered: list[str] = []
        try:
            endpoints = [each for route in facts.routes if (each := function_of(facts, route.endpoint))]
            for application in facts.applications:
                for kind, handler in getattr(application.served, "exception_handlers", {}).items():
                    name = full_name(kind)
                    if isinstance(kind, type) and is_of(kind, facts.config.package):
                        registered.append(name)
                    if function := function_of(facts, handler):
                        handlers[function] = name
        except (CouldNotLook, DoesNotApply):
            pass  # source says most of it
        shown = Shown(facts.functions, registered)
        for place, text in (*shown.in_handlers(endpoints), *shown.in_functions(handlers)):
            yield self.finding(
                f"the response shows {words(text, 60)}, what an exception says: paths, statements, addresses; "
                "log it, and answer with a text of your own",
                place,
            )
        for use in facts.source.uses:
            debug = use.argument("debug")
            makes = use.name in ("fastapi.FastAPI", "starlette.applications.Starlette")
            if makes and isinstance(debug, ast.Constant) and debug.value is True:
                message = "debug=True answers each error with its traceback; take it from a setting"
                yield self.finding(message, Place(use.place.file, debug.lineno))


class RT010(Guard):
    """Any website may call the service with its visitors' cookies.

    CORS with credentials for every origin: `*`, or a pattern that fits any address, since Starlette then answers with
    the origin that asked; or a response that is given `Access-Control-Allow-Origin` from the request beside
    `Access-Control-Allow-Credentials`. Quiet are `*` without credentials, named origins, and an origin that is
    looked up before it is repeated.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        for application in facts.applications:
            for cls, options in application.middleware:
                if is_cors(cls) and (why := any_origin(options)):
                    yield self.finding(
                        f"CORS lets {why} in with credentials, so any website acts as its visitors; name the origins",
                        added(facts, cls),
                        "CORS",
                    )
        allowing = {names for names in facts.source.own if any(allows_credentials(node) for node, _ in names)}
        for function in facts.functions.every:
            if function.names in allowing and (line := echoes_origin(function.node)):
                yield self.finding(
                    "the origin that asks is repeated as one that may use credentials; look it up in a list first",
                    Place(function.place.file, line),
                    function.node.name,
                )


class RT011(Guard):
    """A handler of start-up or shutdown that never runs.

    `on_event`, `add_event_handler` or `on_startup` beside a `lifespan`: FastAPI runs one or the other, and says
    nothing. The same for an application that is mounted: nobody runs its handlers or its lifespan, unless the one around it
    enters its `lifespan_context`. Quiet are handlers without a lifespan, and routers that have either and are included.
    """

    def judge(self, facts: Facts) -> Iterator[Finding]:
        entered = any(
            isinstance(node, ast.Attribute) and node.attr in ("lifespan_context", "lifespan")
            for names in facts.source.own
            for node, _ in names
        )
        first = True
        for application in facts.applications:
            router = getattr(application.served, "router", application.served)
            handlers = [*getattr(router, "on_startup", ()), *getattr(router, "on_shutdown", ())]
            mounted, first = not first, False
            runs, others = run_by(router)
            if mounted and not entered:
                if not runs:
                    handlers.append(lifespan_of(router))
                why = "the application is mounted, and nobody starts it; do it in the lifespan of the one around it"
            elif not mounted and not runs:
                handlers = [each for each in handlers if each not in others]
                why = "the application has a lifespan, which alone is run; move it there"
            else:
                continue
            for handler in dict.fromkeys(handlers):
                place = place_of(handler, facts)
                yield self.finding(f"{called(handler)} never runs: {why}", place, called(handler))


GUARDS = (RT001, RT002, RT003, RT004, RT005, RT006, RT007, RT008, RT009, RT010, RT011)
