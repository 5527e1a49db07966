"""RT008: a response that shows whatever it is given, or a secret."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from ...config.table import Config
from ...knowledge.secret_fields import is_secret_field
from ...model import Finding, Rule, one_line
from ...records.routes import CodeRef, Response, Route, RoutingTable, TextField
from ...source.call_graph import CallGraph, Function, mentions
from ...source.nodes import walk
from ._endpoints import dotted, function_of, own_endpoints

_CONVERSIONS = {"str", "int", "float", "bool", "len", "round", "sum", "min", "max", "isinstance"}
_METHODS = {"isoformat", "strftime", "model_validate", "TemplateResponse"}


class RT008(Rule):
    """A response that shows whatever it is given, or a secret.

    A response without a model (or of `Any`, a bare `dict`) shows each field that the object has, those of tomorrow
    too; so does `JSONResponse(row.__dict__)`. Quiet are responses made by hand, those that are written out as constants,
    attributes and conversions, and endpoints that give nothing.

    A text in a response's model that is a secret by its name (`password_hash`, `api_key`, `reset_token`), unless it is a
    `SecretStr`, excluded, or the endpoint has one of the decorators that `secret-responses` names, for what is
    shown once and on purpose.
    """

    def check(
        self,
        routing: RoutingTable,
        addresses: Mapping[str, CodeRef | None],
        call_graph: CallGraph,
        row_models: Mapping[str, frozenset[str]],
        config: Config,
    ) -> Iterator[Finding]:
        declared = dotted(addresses, config.secret_responses)
        written_out = _WrittenOut(call_graph, frozenset(row_models), config.package)
        reported: set[TextField] = set()
        for route in own_endpoints(routing.routes):
            if route.response is None:
                continue  # Starlette's own, which make their responses by hand
            function = function_of(route.endpoint, call_graph)
            if function is not None:
                if route.response.anything:
                    yield from self._raw(route, route.response, function, written_out)
                yield from self._by_hand(route, function)
                if any(function.names.meaning(each) in declared for each in function.node.decorator_list):
                    continue
            for text in _secrets(route.response):
                if text not in reported:
                    reported.add(text)
                    yield self.finding(
                        f"{route.called} answers with {text.model}.{text.name}, a secret by its name",
                        text.location,
                        f"{text.model}.{text.name}",
                        hint="take it out of the model, or mark the endpoint as one that shows it on purpose",
                    )
        routing.require_models()

    def _raw(self, route: Route, response: Response, function: Function, written_out: _WrittenOut) -> Iterator[Finding]:
        """Judge what is returned where no model chooses what of it is shown."""
        if response.streams or (response.class_name and "JSON" not in response.class_name):
            return
        if _is_response(function.names.instance(function.node.returns)):
            return
        for value in function.returned:
            secret = _secret_key(value)
            if secret or not written_out.is_(value, function):
                shown = f"a {secret!r}, a secret by its name" if secret else _whatever(value)
                yield self.finding(
                    f"{route.called} has no model of its response, and answers with {shown}",
                    route.location,
                    route.called,
                    hint="annotate what it returns with a model of what may be seen",
                )
                return

    def _by_hand(self, route: Route, function: Function) -> Iterator[Finding]:
        """Judge the responses that a function makes itself."""
        for use in function.uses:
            if use.last.endswith("JSONResponse") and use.name.startswith(("fastapi.", "starlette.")):
                everything = mentions(use.node, ["__dict__"]) or any(
                    isinstance(each, ast.Call) and getattr(each.func, "id", "") == "vars" for each in walk(use.node)
                )
                if everything:
                    yield self.finding(
                        f"{route.called} answers with all attributes of an object",
                        use.location,
                        route.called,
                        hint="make a model of what may be seen",
                    )


def _secrets(response: Response) -> Iterator[TextField]:
    for text in response.texts:
        shown = text.name not in response.excluded and (not response.included or text.name in response.included)
        if shown and is_secret_field(text.shown_as):
            yield text


def _whatever(value: ast.expr) -> str:
    return f"whatever {one_line(ast.unparse(value), 60)} holds"


def _is_response(name: str) -> bool:
    """Decide whether a name is that of one of the framework's responses, as `SymbolTable` writes an object of it."""
    return name.startswith(("fastapi.", "starlette.")) and name.endswith("Response()")


def _secret_key(value: ast.expr) -> str:
    """The first key of a dictionary that is written there and is a secret by its name."""
    for node in walk(value):
        if isinstance(node, ast.Dict):
            for key, shown in zip(node.keys, node.values, strict=True):
                name = key.value if isinstance(key, ast.Constant) else None
                written = isinstance(shown, (ast.Constant, ast.Compare))
                if isinstance(name, str) and is_secret_field(name) and not written:
                    return name
    return ""


class _WrittenOut:
    """Expressions that say by themselves what goes out."""

    def __init__(self, call_graph: CallGraph, row_models: frozenset[str], package: str) -> None:
        self._call_graph = call_graph
        self._row_models = row_models
        self._package = package

    def is_(self, value: ast.expr, function: Function, inside: tuple[ast.expr, ...] = ()) -> bool:
        if value in inside:
            # A name whose value holds the name itself: its other values decide, and those of a parameter are not known.
            names = {each.id for each in inside if isinstance(each, ast.Name)}
            return names.isdisjoint(function.parameters)
        parts = self._parts(value, function)
        return parts is not None and all(self.is_(each, function, (*inside, value)) for each in parts)

    def _parts(self, value: ast.expr, function: Function) -> list[ast.expr] | None:
        """The parts that have to be written out for the whole to be so; None where it is not, whatever they are."""
        if isinstance(value, (ast.Constant, ast.JoinedStr, ast.Compare, ast.Attribute, ast.UnaryOp, ast.BinOp)):
            return []
        if isinstance(value, ast.Dict):
            return value.values if all(isinstance(key, ast.Constant) for key in value.keys) else None
        if isinstance(value, (ast.List, ast.Tuple)):
            return value.elts
        if isinstance(value, ast.IfExp):
            return [value.body, value.orelse]
        if isinstance(value, (ast.ListComp, ast.GeneratorExp)):
            return [value.elt]
        if isinstance(value, ast.Await):
            return [value.value]
        if isinstance(value, ast.Name):
            return function.assigned.get(value.id) or None
        return [] if isinstance(value, ast.Call) and self._is_conversion(value, function) else None

    def _is_conversion(self, call: ast.Call, function: Function) -> bool:
        """Decide whether a call makes a plain value, a response, or a model of the project that is no row."""
        name = function.names.meaning(call.func)
        called = self._call_graph.named(name)
        made = (
            function.names.instance(called.node.returns) if called and called.node.name != "__init__" else f"{name}()"
        )
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        kind = made.removesuffix("()")
        is_class = made.startswith(f"{self._package}.") and kind.rpartition(".")[2][:1].isupper()
        return (
            name in _CONVERSIONS
            or method in _METHODS
            or (is_class and kind not in self._row_models)
            or _is_response(made)
        )
