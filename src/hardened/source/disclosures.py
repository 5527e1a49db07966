"""Places at which the text of an exception goes into a response."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from ..model import Location
from .call_graph import CallGraph, Function
from .nodes import child_nodes, last_of, walk
from .symbols import SymbolTable

_RESPONSES = {
    "HTTPException",
    "WebSocketException",
    "Response",
    "JSONResponse",
    "ORJSONResponse",
    "UJSONResponse",
    "PlainTextResponse",
    "HTMLResponse",
    "StreamingResponse",
}
_SENDS = ("WebSocket().send_text", "WebSocket().send_json", "WebSocket().close")
#: What a person wrote for whoever reads it, or what repeats only what the caller sent.
_HARMLESS = {
    "ValueError",
    "UnicodeError",
    "UnicodeDecodeError",
    "AssertionError",
    "json.JSONDecodeError",
    "json.decoder.JSONDecodeError",
    "pydantic.ValidationError",
    "pydantic_core.ValidationError",
}
_TEXTS = {"str", "repr", "ascii", "format", "dict", "list", "tuple"}
_METHODS = {"format", "join", "strip", "replace", "splitlines", "split", "encode"}
_INNER = {"args", "orig", "__cause__", "__context__", "msg", "message"}
_FOR_DEVELOPERS = {"debug", "is_debug", "is_local", "local", "is_dev", "dev", "is_development", "development"}


class Disclosures:
    """Places of the package at which the text of an exception goes into a response."""

    def __init__(self, functions: CallGraph, registered: Iterable[str]) -> None:
        self._source = functions.source
        self._functions = functions
        self._classes = functions.classes
        self._registered = set(registered)  # exceptions that are made into responses

    def in_handlers(self, endpoints: Iterable[Function]) -> Iterator[tuple[Location, str]]:
        """In `except` blocks: the line, and what is shown there."""
        answering = {each.node for each in endpoints}
        for names in self._source.own:
            for node, around in names.nodes(ast.ExceptHandler):
                if not self._is_harmless(node.type, names):
                    scope = around[-1] if around else None
                    yield from self._in_block(node, node.body, names, scope in answering)

    def in_functions(self, handlers: Mapping[Function, str]) -> Iterator[tuple[Location, str]]:
        """In functions that are registered for an exception."""
        for function, kind in handlers.items():
            if not self._is_own(kind) and kind not in _HARMLESS:
                error = [*function.parameters, "", ""][1]
                yield from self._in_block(function.node, function.node.body, function.names, True, error)

    def _in_block(
        self, block: ast.AST, body: list[ast.stmt], names: SymbolTable, answers: bool, error: str = ""
    ) -> Iterator[tuple[Location, str]]:
        error = error or getattr(block, "name", None) or ""
        texts = {error} - {""}
        parents = {child: node for node in walk(block) for child in child_nodes(node)}
        whole = [node for statement in body for node in walk(statement)]
        written: set[str] = set()
        for node in whole:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if isinstance(node, ast.Assign) and isinstance(target, ast.Name):
                written |= {target.id} if self._shows(node.value, texts | written, names, plainly=False) else set()
        told: set[int] = set()
        for node in whole:
            parts: list[ast.expr] = []
            plainly = True
            if isinstance(node, ast.Call) and (kind := self._kind(node, names)):
                parts = [*node.args, *(each.value for each in node.keywords)]
                plainly = kind == "framework"
            elif (
                isinstance(node, ast.Return)
                and answers
                and isinstance(node.value, (ast.Dict, ast.JoinedStr, ast.Tuple))
            ):
                parts = [node.value]
            for part in parts:
                shown = self._shows(part, texts, names, plainly=plainly) or (
                    bool(written) and self._shows(part, written, names, plainly=True)
                )
                hidden = any(self._is_excused(above, part, names) for above in _above(node, parents))
                line = getattr(node, "lineno", 0)
                if shown and not hidden and line not in told:
                    told.add(line)
                    yield Location(names.file.path, line), ast.unparse(part)

    def _kind(self, call: ast.Call, names: SymbolTable) -> str:
        """The maker of a response that a call is: "framework", "project" or ""."""
        name = names.meaning(call.func)
        if self._is_response(name) or name.endswith(_SENDS):
            return "framework"
        function = self._functions.named(name)
        given = function.names.instance(function.node.returns) if function and function.node.returns else ""
        return "project" if given and self._is_response(given.removesuffix("()")) else ""

    def _is_response(self, name: str, seen: frozenset[str] = frozenset()) -> bool:
        if name in self._registered or (name.startswith(("fastapi.", "starlette.")) and last_of(name) in _RESPONSES):
            return True
        bases = self._classes[name].made_of if name in self._classes and name not in seen else ()
        return any(self._is_response(base, seen | {name}) for base in bases)

    def _is_harmless(self, kind: ast.expr | None, names: SymbolTable) -> bool:
        kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
        return all(
            each is not None and (self._is_own(name := names.meaning(each)) or name in _HARMLESS or not name)
            for each in kinds
        )

    def _is_own(self, name: str) -> bool:
        return name in self._classes or self._is_response(name) or name.endswith("RequestValidationError")

    def _shows(self, node: ast.AST, texts: set[str], names: SymbolTable, *, plainly: bool) -> bool:
        """Return whether an expression has the text of the exception; `plainly` counts the exception itself too."""
        if isinstance(node, ast.Name):
            return plainly and node.id in texts
        if isinstance(node, ast.Attribute):
            return node.attr in _INNER and self._shows(node.value, texts, names, plainly=True)
        if isinstance(node, ast.Call):
            name = names.meaning(node.func)
            if name.startswith("traceback.format"):
                return True
            on = [node.func.value] if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS else []
            if name in _TEXTS or on:
                return any(self._shows(each, texts, names, plainly=True) for each in (*on, *node.args))
            return False
        if isinstance(node, ast.FormattedValue):
            return self._shows(node.value, texts, names, plainly=True)
        if isinstance(node, ast.IfExp):
            return not _for_developers(node.test) and any(
                self._shows(each, texts, names, plainly=plainly) for each in (node.body, node.orelse)
            )
        if isinstance(node, ast.BinOp):
            return any(self._shows(each, texts, names, plainly=True) for each in (node.left, node.right))
        if isinstance(node, (ast.JoinedStr, ast.Dict, ast.List, ast.Tuple, ast.BoolOp)):
            return any(self._shows(each, texts, names, plainly=plainly) for each in child_nodes(node))
        return False

    def _is_excused(self, above: ast.AST, part: ast.expr, names: SymbolTable) -> bool:
        """Return whether a condition restricts it to developers, or to exceptions of the project's own."""
        if not isinstance(above, ast.If):
            return False
        if _for_developers(above.test):
            return True
        inner = {ast.dump(each) for each in walk(part)}
        for call in walk(above.test):
            if isinstance(call, ast.Call) and names.meaning(call.func) == "isinstance" and len(call.args) > 1:
                same = ast.dump(call.args[0]) in inner
                if same and self._is_own(names.meaning(call.args[1])):
                    return True
        return False


def _for_developers(test: ast.AST) -> bool:
    said = {each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "") for each in walk(test)}
    return not _FOR_DEVELOPERS.isdisjoint(each.lower() for each in said)


def _above(node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    while node in parents:
        node = parents[node]
        yield node
