"""What the guards of routes ask of them: whose they are, what they depend on, what they say by themselves."""

from __future__ import annotations

import ast
import fnmatch
import re
import typing
from typing import Any

from ...model import NOWHERE, Location
from ...project import Project
from ...records import Route
from ...source.call_graph import Function, plain_names


def own_endpoints(project: Project, *, websockets: bool = False) -> list[Route]:
    """The endpoints of the project itself: not the documentation's, nor what a library adds."""
    kinds = ("http", "websocket") if websockets else ("http",)
    return [each for each in project.routes if each.kind in kinds and _is_ours(each, project)]


def _is_ours(route: Route, project: Project) -> bool:
    file = route.location.file
    return file is not None and not file.startswith("/") and "site-packages" not in file


def calls_of(route: Route) -> list[object]:
    from ...runtime.routes import dependants  # noqa: PLC0415 - a project without FastAPI has the other guards

    return [each.call for each in dependants(route)][1:]


def function_of(project: Project, thing: object) -> Function | None:
    """The source of an endpoint or dependency; of a class, how it is made."""
    from ...runtime.routes import unwrapped  # noqa: PLC0415 - a project without FastAPI has the other guards

    inner = unwrapped(thing)
    if isinstance(inner, type):
        return project.call_graph.named(full_name(inner))
    if not hasattr(inner, "__code__"):
        inner = getattr(type(inner), "__call__", inner)  # noqa: B004 - the method of an object that is called
    return project.call_graph.at(location_of(inner, project))


def location_of(thing: object, project: Project) -> Location:
    from ...runtime import routes as _live_routes  # noqa: PLC0415 - a project without FastAPI has the other guards

    return _live_routes.location_of(thing, project.config.root)


def authenticates(call: Any, known: dict[str, object]) -> bool:
    from fastapi.security.base import SecurityBase  # noqa: PLC0415 - as it is where routes are

    from ...runtime.routes import unwrapped  # noqa: PLC0415 - a project without FastAPI has the other guards

    if isinstance(call, SecurityBase) and getattr(call, "auto_error", True):
        return True
    inner = unwrapped(call)
    for thing in known.values():
        if thing is None:
            continue
        if call is thing or inner is unwrapped(thing):
            return True
        if isinstance(thing, type):
            if isinstance(call, thing) or isinstance(getattr(call, "__self__", None), thing):
                return True
        elif full_name(inner).startswith(f"{full_name(thing)}.<locals>."):
            return True
    return False


def fits(route: Route, entry: str) -> bool:
    """Whether an entry such as `GET /health/*` is that route."""
    methods, _, path = entry.partition(" ")
    own = (route.methods - {"HEAD"} or route.methods) if route.kind == "http" else {"WEBSOCKET"}
    allowed = set(methods.upper().split(","))
    return ("*" in allowed or own <= allowed) and fnmatch.fnmatchcase(route.path, path.strip())


def full_name(thing: object) -> str:
    module = getattr(thing, "__module__", "")
    return f"{module}.{called(thing)}" if module not in ("", "builtins") else called(thing)


def called(thing: object) -> str:
    return str(getattr(thing, "__qualname__", "") or type(thing).__qualname__)


def is_of(kind: type, package: str) -> bool:
    return kind.__module__ == package or kind.__module__.startswith(f"{package}.")


def dotted(project: Project, address: str) -> str:
    """What an address means, followed to where the thing is defined."""
    thing = project.live.find(address)
    return full_name(thing) if thing is not None else address.replace(":", ".")


def helpers_of(project: Project) -> set[str]:
    return {dotted(project, each) for each in project.config.owner_helpers}


def is_list(model: Any) -> bool:
    origin = typing.get_origin(model)
    if not isinstance(origin, type):
        return False
    return issubclass(origin, (list, tuple, set, frozenset)) or called(origin) in ("Sequence", "Iterable")


def bounds(function: Function, name: str) -> bool:
    """Whether the code bounds a number itself."""
    for node in ast.walk(function.node):
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", "") in ("min", "clamp")
            and name in plain_names(node)
        ):
            return True
        if isinstance(node, ast.Compare) and name in plain_names(node):
            return True
    return False


def construction(project: Project) -> Location:
    uses = [use for use in project.source.uses if use.name == "fastapi.FastAPI"]
    return uses[0].location if uses else NOWHERE


def is_written_out(value: ast.expr, function: Function, project: Project) -> bool:
    """Whether an expression says by itself what goes out."""
    if isinstance(value, (ast.Constant, ast.JoinedStr, ast.Compare, ast.Attribute, ast.UnaryOp, ast.BinOp)):
        return True
    if isinstance(value, ast.Dict):
        return all(
            isinstance(key, ast.Constant) and is_written_out(each, function, project)
            for key, each in zip(value.keys, value.values, strict=True)
        )
    if isinstance(value, (ast.List, ast.Tuple)):
        return all(is_written_out(each, function, project) for each in value.elts)
    if isinstance(value, ast.IfExp):
        return is_written_out(value.body, function, project) and is_written_out(value.orelse, function, project)
    if isinstance(value, (ast.ListComp, ast.GeneratorExp)):
        return is_written_out(value.elt, function, project)
    if isinstance(value, ast.Call):
        name = function.names.meaning(value.func)
        called = project.call_graph.named(name)
        made = (
            function.names.instance(called.node.returns) if called and called.node.name != "__init__" else f"{name}()"
        )
        plain = name in ("str", "int", "float", "bool", "len", "round", "sum", "min", "max", "isinstance")
        written = value.func.attr if isinstance(value.func, ast.Attribute) else ""
        plain = plain or written in ("isoformat", "strftime", "model_validate", "TemplateResponse")
        # A model that is made here says what it holds; a row that is made here does not.
        own = made.startswith(f"{project.config.package}.") and made.removesuffix("()").rpartition(".")[2][:1].isupper()
        return plain or (own and made.removesuffix("()") not in project.row_models) or is_response(made)
    if isinstance(value, ast.Await):
        return is_written_out(value.value, function, project)
    if isinstance(value, ast.Name):
        values = function.assigned.get(value.id, [])
        return bool(values) and all(is_written_out(each, function, project) for each in values)
    return False


def is_response(name: str) -> bool:
    """Whether a name is that of one of the framework's responses, as `SymbolTable` writes what has it."""
    return name.startswith(("fastapi.", "starlette.")) and name.endswith("Response()")


def secret_key(value: ast.expr) -> str:
    """The first key of a dictionary that is written there and is a secret by its name."""
    from ...runtime.schemas import is_secret  # noqa: PLC0415 - a service that starts has no use for it

    for node in ast.walk(value):
        if isinstance(node, ast.Dict):
            for key, shown in zip(node.keys, node.values, strict=True):
                name = key.value if isinstance(key, ast.Constant) else None
                if isinstance(name, str) and is_secret(name) and not isinstance(shown, (ast.Constant, ast.Compare)):
                    return name
    return ""


def is_cors(cls: object) -> bool:
    return any(each.__name__ == "CORSMiddleware" for each in getattr(cls, "__mro__", ()))


def any_origin(options: Any) -> str:
    """Which setting lets any origin in with credentials; empty where none does."""
    if not options.get("allow_credentials"):
        return ""
    if "*" in (options.get("allow_origins") or ()):
        return "every origin (*)"
    pattern = options.get("allow_origin_regex")
    strangers = ("https://stranger.example", "http://zz.test:8123", "https://a-b.c.invalid")
    if pattern is not None and all(re.fullmatch(pattern, each) for each in strangers if _scheme_fits(pattern, each)):
        return f"every origin ({getattr(pattern, 'pattern', pattern)})"
    return ""


def _scheme_fits(pattern: Any, origin: str) -> bool:
    """Whether a pattern is about this scheme at all: one for https alone is judged by origins of https."""
    text = getattr(pattern, "pattern", pattern)
    schemes = set(re.findall(r"\bhttps?\b", text))
    plain = "http" in schemes or "https?" in text or not schemes
    return plain or origin.startswith("https")


def added(project: Project, cls: object) -> Location:
    """Where a middleware is added."""
    name = full_name(cls).rpartition(".")[2]
    for use in project.source.uses:
        own = use.last == name
        given = any(
            function_name.rpartition(".")[2] == name
            for names in project.source.own
            if names.module == use.module and use.last in ("add_middleware", "Middleware")
            for function_name in [
                names.meaning(use.node.args[0] if use.node.args else use.argument("middleware_class"))
            ]
        )
        if own or given:
            return use.location
    return NOWHERE


def allows_credentials(node: ast.AST) -> bool:
    """Whether this is the header's name."""
    return isinstance(node, ast.Constant) and str(node.value).lower() == "access-control-allow-credentials"


def echoes_origin(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The line in which a function repeats an origin that it looks up nowhere, beside credentials; 0 for none."""
    texts = {
        each.value.lower() for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }
    if not {"access-control-allow-origin", "access-control-allow-credentials"} <= texts:
        return 0
    if any(isinstance(each, ast.Compare) and "origin" in ast.unparse(each).lower() for each in ast.walk(node)):
        return 0
    for each in ast.walk(node):
        pairs: list[tuple[ast.expr | None, ast.expr]] = []
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Subscript):
            pairs = [(each.targets[0].slice, each.value)]
        elif isinstance(each, ast.Dict):
            pairs = list(zip(each.keys, each.values, strict=True))
        for key, value in pairs:
            said = key.value if isinstance(key, ast.Constant) else None
            is_origin = isinstance(said, str) and said.lower() == "access-control-allow-origin"
            anybody = value.value == "*" if isinstance(value, ast.Constant) else "origin" in ast.unparse(value).lower()
            if is_origin and anybody:
                return value.lineno
    return 0


def run_by(router: Any) -> tuple[bool, list[object]]:
    """Whether a router's lifespan runs its handlers, and those of included routers that are run as a part of it."""
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
        for cell in getattr(each, "__closure__", None) or ():
            if callable(cell.cell_contents) and not isinstance(cell.cell_contents, type):
                pending.append(cell.cell_contents)
    return runs, others


def lifespan_of(router: Any) -> object:
    """The lifespan that somebody wrote, inside of those that it was merged into."""
    each = router.lifespan_context
    while hasattr(each, "__wrapped__") and getattr(each.__wrapped__, "__closure__", None):
        inner = [cell.cell_contents for cell in each.__wrapped__.__closure__ if callable(cell.cell_contents)]
        if each.__wrapped__.__name__ != "merged_lifespan" or not inner:
            break
        each = next((one for one in reversed(inner) if type(one).__name__ != "_DefaultLifespan"), inner[0])
    return each
