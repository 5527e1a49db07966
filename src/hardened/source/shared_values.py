"""Values that are taken once and shared: results of clocks and generators of identifiers, and objects that outlive a run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from ..knowledge.fresh_values import CHANCE, CLOCK, KEYS
from ..model import Location
from .call_graph import CallGraph, Function
from .nodes import FUNCTIONS, child_nodes, parent_of, walk
from .symbols import SymbolTable
from .walks import CONSTRUCTORS, own_nodes

# Names of values that a process keeps for as long as it lives: its identity, and its knowledge of others.
_OF_THE_PROCESS = re.compile(
    r"instance|process|worker|node|boot|uptime|host|replica|salt|seed|jitter|secret|key", re.IGNORECASE
)
_OF_THE_OBJECT = re.compile(
    r"last|expire|refresh|update|checked|opened|closed|seen|heartbeat|until|retry|deadline|next|loaded|fetched|cached|renew|reset|window",
    re.IGNORECASE,
)
_OF_A_RUN = re.compile(
    r"(?:^|_)(?:now|today|timestamp|ts|run|request|job|batch|correlation|trace)(?:_|$)", re.IGNORECASE
)
_CACHES = ("functools.cache", "functools.lru_cache", "cachetools.cached")


class Sharing(StrEnum):
    """The way in which a value is shared by all that follow."""

    DEFAULT = "default of a parameter"
    MODULE = "value of a module"
    FIELD = "value of a class body"
    CONSTRUCTOR = "value in an object of the application"
    ASSIGNMENT = "assignment to an object of the application"


class SharedValue(NamedTuple):
    """A value that is taken once.

    Attributes:
        sharing: the way in which it is shared.
        subject: the name that it is given; for a default, the function's.
        source: the call that returns it; "" where it may be any value.
        location: of the line that takes it.
        within: the class or function around it.
        made_at: for an object, where it is made.
    """

    sharing: Sharing
    subject: str
    source: str
    location: Location
    within: str = ""
    made_at: str = ""


class SharedValues:
    """Values that are taken once where each run needs its own."""

    def __init__(self, call_graph: CallGraph) -> None:
        self.call_graph = call_graph
        self.own = call_graph.source.own
        self.uses = call_graph.source.uses
        self.given = self._given()

    def all(self) -> Iterator[SharedValue]:
        """Each of them, in the order of the modules."""
        for names in self.own:
            for node, within in names.nodes(*FUNCTIONS, ast.Lambda, ast.Assign, ast.AnnAssign):
                inner = within[-1] if within else None
                if isinstance(node, (*FUNCTIONS, ast.Lambda)):
                    yield from self._defaults(names, node)
                elif inner is None and isinstance(node, (ast.Assign, ast.AnnAssign)):
                    yield from self._module(names, node)
                elif (
                    isinstance(inner, ast.ClassDef)
                    and isinstance(node, (ast.Assign, ast.AnnAssign))
                    and not any(isinstance(each, (*FUNCTIONS, ast.Lambda)) for each in within)
                ):
                    yield from self._field(names, inner, node)
        lasting = self._lasting()
        for name, why in lasting.items():
            yield from self._constructor(name, why)
        yield from self._requests(set(lasting))

    def _given(self) -> dict[str, str]:
        """The project's functions that only return the result of such a call, with the name of that call."""
        found: dict[str, str] = {}
        before = -1
        while len(found) != before:
            before = len(found)
            for name, each in self.call_graph.by_name.items():
                body = [node for node in each.node.body if not _is_text(node)]
                value = body[-1].value if body and isinstance(body[-1], ast.Return) else None
                small = (
                    len(body) <= 3
                    and not each.is_coroutine
                    and all(isinstance(node, (ast.Assign, ast.Return)) for node in body)
                )
                if name not in found and small and value is not None:
                    whole = body if len(body) > 1 else [value]
                    called = next((call for node in whole for call in self._calls(each.names, node, found)), "")
                    if called:
                        found[name] = called
        return found

    def _calls(self, names: SymbolTable, node: ast.AST, given: dict[str, str] | None = None) -> Iterator[str]:
        """The calls in an expression that return another value each time."""
        pending = [node]
        while pending:
            each = pending.pop()
            if isinstance(each, (ast.Lambda, *FUNCTIONS)):
                continue
            pending += child_nodes(each)
            # A name that was given such a value carries it along.
            meaning = (
                names.meaning(each.func if isinstance(each, ast.Call) else each)
                if isinstance(each, (ast.Call, ast.Name))
                else ""
            )
            if isinstance(each, ast.Name):
                if not meaning.endswith("()"):
                    continue
                meaning = meaning.removesuffix("()")
            known = meaning in (self.given if given is None else given)
            if known or CLOCK.fullmatch(meaning) or CHANCE.fullmatch(meaning):
                yield meaning

    def _defaults(
        self, names: SymbolTable, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    ) -> Iterator[SharedValue]:
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is None:
                continue
            for called in self._calls(names, default):
                name = getattr(node, "name", "a lambda")
                yield SharedValue(Sharing.DEFAULT, name, called, Location(names.file.path, default.lineno), name)

    def _module(self, names: SymbolTable, node: ast.Assign | ast.AnnAssign) -> Iterator[SharedValue]:
        name = _target(node)
        if node.value is not None and _OF_A_RUN.search(name) and not _OF_THE_PROCESS.search(name):
            for called in self._calls(names, node.value):
                yield SharedValue(Sharing.MODULE, name, called, Location(names.file.path, node.lineno))

    def _field(
        self, names: SymbolTable, owner: ast.ClassDef, node: ast.Assign | ast.AnnAssign
    ) -> Iterator[SharedValue]:
        name = _target(node)
        if node.value is None or _OF_THE_PROCESS.search(name):
            return
        for called in self._calls(names, node.value):
            subject = f"{owner.name}.{name}"
            yield SharedValue(Sharing.FIELD, subject, called, Location(names.file.path, node.lineno), owner.name)

    # Objects that live as long as the application

    def _lasting(self) -> dict[str, str]:
        """The classes of which an object lives as long as the application, and where it is made."""
        # One that is made inside of a function goes with that.
        classes = {
            name: each
            for name, each in self.call_graph.classes.items()
            if not any(isinstance(scope, FUNCTIONS) for scope in each.within)
        }
        states = self._put_on_state()
        found: dict[str, str] = {}
        for use in self.uses:
            if use.name not in classes:
                continue
            function = use.function
            if not use.within or id(use.node) in states:
                found.setdefault(use.name, str(use.location))
            elif function is not None and not isinstance(use.within[-1], ast.Lambda):
                made = self.call_graph.of(function)
                if made and any(
                    each.startswith(_CACHES) or each in (".cache", ".lru_cache") for each in made.decorators
                ):
                    found.setdefault(use.name, str(use.location))
        for names in self.own:
            definitions = [node for node, _ in names.nodes(*FUNCTIONS) if isinstance(node, FUNCTIONS)]
            for node in definitions:
                for default in (*node.args.defaults, *node.args.kw_defaults):
                    for each in walk(default) if default is not None else ():
                        if isinstance(each, ast.Call) and (name := names.meaning(each.func)) in classes:
                            found.setdefault(name, f"{names.file.path}:{each.lineno}")
        pending = list(found)
        while pending:
            name = pending.pop()
            method = self.call_graph.by_name.get(f"{name}.__init__")
            for use in method.calls if method else ():
                if use.name in classes and use.name not in found:
                    found[use.name] = str(use.location)
                    pending.append(use.name)
        return found

    def _put_on_state(self) -> set[int]:
        """The calls whose result is put on the state of an application, outside of requests."""
        found = set()
        for names in self.own:
            for node, _ in names.nodes(ast.Assign):
                if any(_state(target) == "app" for target in node.targets):
                    value, _ = names.written(node.value)
                    found.add(id(value))
        return found

    def _constructor(self, name: str, where: str) -> Iterator[SharedValue]:
        names, node = self.call_graph.classes[name].names, self.call_graph.classes[name].node
        for method in node.body:
            if not isinstance(method, FUNCTIONS) or method.name not in CONSTRUCTORS:
                continue
            for each in walk(method):
                if isinstance(each, (ast.Assign, ast.AnnAssign)) and each.value is not None:
                    attribute = _target(each)
                    if "." not in attribute or _OF_THE_PROCESS.search(attribute) or _OF_THE_OBJECT.search(attribute):
                        continue
                    for called in self._calls(names, each.value):
                        if KEYS.fullmatch(called):
                            continue  # a key that dies with the process
                        subject = f"{node.name}.{attribute.partition('.')[2]}"
                        location = Location(names.file.path, each.lineno)
                        yield SharedValue(Sharing.CONSTRUCTOR, subject, called, location, node.name, where)

    # Requests and jobs

    def _requests(self, lasting: set[str]) -> Iterator[SharedValue]:
        for function in self.call_graph.in_requests:
            if function.node.name in CONSTRUCTORS:
                continue
            names = function.names
            owner = parent_of(function.name)
            guarded = _set_once(function.node)
            for node in own_nodes(function.node):
                if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None or id(node) in guarded:
                    continue
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    if not isinstance(target, ast.Attribute) or _OF_THE_OBJECT.search(target.attr):
                        continue
                    written = ast.unparse(target)
                    what = self._shared(names, target, owner, lasting, function)
                    if not what:
                        continue
                    taken = next(self._calls(names, node.value), "")
                    if what == "self" and not taken:
                        continue
                    location = Location(names.file.path, node.lineno)
                    yield SharedValue(Sharing.ASSIGNMENT, written, taken, location, function.node.name)

    def _shared(
        self, names: SymbolTable, target: ast.Attribute, owner: str, lasting: set[str], function: Function
    ) -> str:
        """The kind of shared object on which an attribute is set: "self", "state", "module"; "" for others."""
        base = target.value
        if isinstance(base, ast.Name) and base.id == "self":
            return "self" if owner in lasting else ""
        if _state(target) == "request" or (_state(target) == "app" and not _is_parameter(function.node, _root(target))):
            return "state"
        meaning = names.meaning(base)
        if not meaning.endswith("()") or meaning.removesuffix("()") not in lasting:
            return ""
        root = _root(target)
        return "module" if root and not _is_local(function.node, root) else ""


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _target(node: ast.Assign | ast.AnnAssign) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return ast.unparse(target)


def _root(node: ast.expr) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _state(target: ast.expr) -> str:
    """The way to the state of an application in a target: "request" through one, "app" directly; "" for others."""
    parts = []
    node = target
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    chain = [*([node.id] if isinstance(node, ast.Name) else []), *reversed(parts)]
    for position, part in enumerate(chain[1:-1], 1):
        if part == "state" and chain[position - 1] in ("app", "application", "api"):
            return "request" if position > 1 else "app"
    return ""


def _is_parameter(function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> bool:
    arguments = function.args
    return name in {each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}


def _is_local(function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> bool:
    """Report whether a name is a parameter of a function or is assigned in it."""
    stored = (each for each in own_nodes(function) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store))
    declared = {name for each in own_nodes(function) if isinstance(each, ast.Global) for name in each.names}
    return _is_parameter(function, name) or (name not in declared and any(each.id == name for each in stored))


def _set_once(function: ast.AST) -> set[int]:
    """The assignments behind a question whether there is a value yet."""
    found: set[int] = set()
    for each in own_nodes(function):
        if not isinstance(each, ast.If):
            continue
        test = ast.unparse(each.test)
        for inner in walk(each):
            if isinstance(inner, (ast.Assign, ast.AnnAssign)):
                target = _target(inner)
                if re.search(
                    rf"{re.escape(target)} is None|not {re.escape(target)}\b|not hasattr\(|is _?MISSING", test
                ):
                    found.add(id(inner))
    return found
