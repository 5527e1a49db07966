# Owned by the template.
"""Facts from source about functions: which call which, and how far what a request brings gets in them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from ._findings import Place
from ._names import FUNCTIONS, SCOPES, Names, Scope, Use
from ._source import Source

_DEEP = 6
"""How many functions may call one another on the way from an endpoint."""
_CONVERSIONS = {"int", "str", "float", "uuid.UUID", "list", "set", "tuple", "sorted", "dict", "bytes"}

Def = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, eq=False)
class Function:
    """A function or method of the package. `name` is dotted, with the classes and functions around it."""

    name: str
    node: Def
    names: Names
    uses: list[Use] = field(repr=False)  # those in the functions inside of it as well
    within: tuple[Scope, ...] = field(repr=False)
    owner: str = ""  # the dotted name of the class that it is a method of

    @property
    def place(self) -> Place:
        return Place(self.names.file.path, self.node.lineno)

    @property
    def is_coroutine(self) -> bool:
        """Whether the event loop runs it."""
        return isinstance(self.node, ast.AsyncFunctionDef)

    @property
    def calls(self) -> list[Use]:
        """What it calls by itself."""
        return [use for use in self.uses if use.function is self.node and not isinstance(use.within[-1], ast.Lambda)]

    @property
    def decorators(self) -> list[str]:
        """What its decorators are, as far as that is known: "functools.lru_cache"; the last word where no more is."""
        found = []
        for each in self.node.decorator_list:
            called = each.func if isinstance(each, ast.Call) else each
            last = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            found.append(self.names.meaning(called) or f".{last}")
        return found

    @property
    def parameters(self) -> list[str]:
        arguments = self.node.args
        return [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """What each node of it lies in."""
        return {child: node for node in ast.walk(self.node) for child in ast.iter_child_nodes(node)}

    @cached_property
    def assigned(self) -> dict[str, list[ast.expr]]:
        """The values that its plain names are given."""
        found: dict[str, list[ast.expr]] = {}
        for node in ast.walk(self.node):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        found.setdefault(target.id, []).append(node.value)
            elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and isinstance(node.target, ast.Name) and node.value:
                found.setdefault(node.target.id, []).append(node.value)
        return found

    @cached_property
    def returned(self) -> list[ast.expr]:
        """What it returns, functions inside of it apart."""
        found, pending = [], list[ast.AST](self.node.body)
        while pending:
            node = pending.pop(0)
            if isinstance(node, ast.Return) and node.value is not None:
                found.append(node.value)
            if not isinstance(node, SCOPES):
                pending += ast.iter_child_nodes(node)
        return found

    def spread(self, brought: Iterable[str]) -> frozenset[str]:
        """The names that stand for what was brought or a part of it: an attribute, an item, a conversion."""
        found = set(brought)
        for _ in range(3):
            for name, values in self.assigned.items():
                if any(self.is_brought(value, found) for value in values):
                    found.add(name)
            for node in ast.walk(self.node):
                if isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
                    target = node.target.id if isinstance(node.target, ast.Name) else ""
                    found |= {target} if target and self.is_brought(node.iter, found) else set()
        return frozenset(found)

    def is_brought(self, value: ast.AST, brought: set[str] | frozenset[str]) -> bool:
        """Whether an expression is one of these names, or a part or a plain conversion of it."""
        if isinstance(value, ast.Name):
            return value.id in brought
        if isinstance(value, (ast.Attribute, ast.Subscript, ast.Starred)):
            return self.is_brought(value.value, brought)
        if isinstance(value, ast.Call):
            return self.names.meaning(value.func) in _CONVERSIONS and any(
                self.is_brought(each, brought) for each in value.args
            )
        return isinstance(value, ast.BoolOp) and any(self.is_brought(each, brought) for each in value.values)


class Functions:
    """Every function of the package."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.by_name: dict[str, Function] = {}
        self._by_node: dict[ast.AST, Function] = {}
        self._by_place: dict[tuple[str, int], Function] = {}
        inside: dict[ast.AST, list[Use]] = {}
        for use in source.uses:
            for scope in use.within:
                inside.setdefault(scope, []).append(use)
        for names in source.own:
            for node, within in names:
                if isinstance(node, FUNCTIONS):
                    outer = ".".join((names.module, *_named(within)))
                    owner = outer if within and isinstance(within[-1], ast.ClassDef) else ""
                    made = Function(f"{outer}.{node.name}", node, names, inside.get(node, []), within, owner)
                    self.by_name.setdefault(made.name, made)
                    self._by_node[node] = made
                    first = min((node.lineno, *(each.lineno for each in node.decorator_list)))
                    for line in range(first, node.lineno + 1):
                        self._by_place.setdefault((names.file.path, line), made)

    def of(self, node: ast.AST | None) -> Function | None:
        """The function that is this node."""
        return self._by_node.get(node) if node is not None else None

    def at(self, place: Place) -> Function | None:
        """The function that begins on this line, its decorators included."""
        return self._by_place.get((place.file or "", place.line or 0))

    def named(self, meaning: str) -> Function | None:
        """The function that a name stands for, as `Names` writes it; for a class, how it is made."""
        plain = meaning.replace("()", "")
        return self.by_name.get(plain) or self.by_name.get(f"{plain}.__init__")

    def called(self, use: Use) -> Function | None:
        """The function of the package that is called."""
        func = use.node.func
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id in ("self", "cls"):
            for depth, scope in reversed(list(enumerate(use.within))):
                if isinstance(scope, ast.ClassDef):
                    return self.by_name.get(".".join((use.module, *_named(use.within[: depth + 1]), func.attr)))
        return self.named(use.name) if use.name else None

    def reached(
        self, start: Function, brought: Iterable[str] = (), *, without: Iterable[str] = ()
    ) -> Iterator[tuple[Function, frozenset[str], tuple[Function, ...]]]:
        """A function and those that it leads to: with the names in each that stand for what was brought, and the callers.

        `without` names functions that are not entered.
        """
        pending: list[tuple[Function, frozenset[str], tuple[Function, ...]]] = [(start, start.spread(brought), ())]
        seen: set[tuple[str, frozenset[str]]] = set()
        while pending:
            function, names, callers = pending.pop(0)
            if (function.name, names) in seen or function.name in without:
                continue
            seen.add((function.name, names))
            yield function, names, callers
            if len(callers) < _DEEP:
                for use in function.uses:
                    if other := self.called(use):
                        given = other.spread(self.handed_on(use, other, function, names))
                        pending.append((other, given, (*callers, function)))

    def handed_on(self, use: Use, other: Function, function: Function, names: frozenset[str]) -> list[str]:
        """The parameters of the function that is called which get one of these names."""
        parameters = other.parameters
        if other.owner and parameters[:1] in (["self"], ["cls"]):
            parameters = parameters[1:]
        given = list(zip(parameters, use.node.args, strict=False))
        given += [(each.arg, each.value) for each in use.node.keywords if each.arg]
        return [parameter for parameter, value in given if function.is_brought(value, names)]


def _named(within: tuple[Scope, ...]) -> list[str]:
    return [each.name for each in within if not isinstance(each, (ast.Lambda, ast.Module))]


def mentions(node: ast.AST, words: Iterable[str]) -> bool:
    """Whether one of these is written in it, as an attribute or as the name of an argument."""
    wanted = set(words)
    return any(
        (isinstance(each, ast.Attribute) and each.attr in wanted)
        or (isinstance(each, ast.keyword) and each.arg in wanted)
        for each in ast.walk(node)
    )


def plain_names(node: ast.AST) -> set[str]:
    """The plain names that are read in it."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
