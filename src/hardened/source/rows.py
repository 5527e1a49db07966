"""Statements in source that choose rows, and the owners of rows."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from ..model import Location
from .call_graph import CallGraph, Function, mentions, plain_names
from .nodes import walk
from .symbols import FUNCTIONS, CallSite, SymbolTable

_STATEMENTS = {"select", "update", "delete", "query"}
_LIBRARIES = ("sqlalchemy", "sqlmodel")
_CONDITIONS = {"where", "filter", "filter_by", "having"}
_GETS = {"get", "get_one"}


@dataclass(frozen=True, eq=False)
class Statement:
    """A statement that chooses rows: `session.get(Model, identifier)`, or a `select(...)` and the calls on it.

    Attributes:
        function: where it is.
        use: the call that begins it.
        models: the dotted names that its first argument may mean: a model, or a model and one of its columns.
        chain: the expressions in which it is made, one after the other.
        chosen_by: the identity, or the conditions that choose its rows.
        variable: the name that is given the row.
    """

    function: Function
    use: CallSite
    models: tuple[str, ...]
    chain: tuple[ast.expr, ...]
    chosen_by: tuple[ast.AST, ...]
    variable: str

    @property
    def location(self) -> Location:
        return self.use.location

    def is_by_identifier(self, brought: frozenset[str]) -> bool:
        """Report whether a value of the request identifies the row; a secret, such as a token, is no identifier."""
        return any(self._is_by(each, brought) for each in self.chosen_by)

    def _is_by(self, chosen: ast.AST, brought: frozenset[str]) -> bool:
        function = self.function
        if self.use.last in _GETS:
            # A key of several columns: who asks may be one of them.
            parts = (
                chosen.elts
                if isinstance(chosen, ast.Tuple)
                else chosen.values
                if isinstance(chosen, ast.Dict)
                else [chosen]
            )
            return all(function.is_brought(each, brought) for each in parts)
        if isinstance(chosen, ast.keyword):
            return _is_identifier(chosen.arg or "") and function.is_brought(chosen.value, brought)
        for node in walk(chosen):
            sides: list[ast.expr] = []
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                # `.in_(identifiers)`, and `.get(identifier)` on a query.
                sides = [node.func.value, *node.args]
            named = any(isinstance(each, ast.Attribute) and _is_identifier(each.attr) for each in sides)
            if named and any(function.is_brought(each, brought) for each in sides):
                return True
        return self.use.last == "query" and function.is_brought(chosen, brought)

    @cached_property
    def calls(self) -> set[str]:
        """The last words of what is called in it and on it."""
        found = set()
        for node in (each for part in self.chain for each in walk(part)):
            if isinstance(node, ast.Call):
                found.add(node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""))
        return found


def _is_identifier(column: str) -> bool:
    return column in ("id", "pk", "uuid", "guid", "uid", "slug", "number") or column.endswith(
        ("_id", "_uuid", "_number")
    )


def statements(function: Function) -> Iterator[Statement]:
    """The statements that a function makes."""
    for use in function.uses:
        first = use.node.args[0] if use.node.args else None
        identity = use.argument("ident", 1)
        if use.last in _GETS and identity is not None and isinstance(use.node.func, ast.Attribute):
            whole, variable = _outermost(use.node, function)
            models = (function.names.meaning(first),)
            yield Statement(function, use, models, (whole,), (identity,), variable)
        elif use.last in _STATEMENTS and (use.name.startswith(_LIBRARIES) or use.last == "query"):
            whole, variable = _outermost(use.node, function)
            conditions = _CONDITIONS | _GETS if use.last == "query" else _CONDITIONS
            chain = [whole]
            if variable:
                chain += [each for each in function.assigned[variable] if variable in plain_names(each)]
                chain += [
                    _outermost(each.node, function)[0]
                    for each in function.uses
                    if each.node not in chain
                    and any(isinstance(one, ast.Name) and one.id == variable for one in _on(each))
                ]
            chosen = [
                argument
                for part in chain
                for node in walk(part)
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in conditions
                for argument in (*node.args, *node.keywords)
            ]
            yield Statement(function, use, _models(first, function.names), tuple(chain), tuple(chosen), variable)


def _on(use: CallSite) -> Iterator[ast.expr]:
    """The object that a call is made on, and its arguments."""
    node: ast.expr = use.node.func
    while isinstance(node, (ast.Attribute, ast.Call)):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    yield node
    yield from use.node.args


def _models(first: ast.expr | None, names: SymbolTable) -> tuple[str, ...]:
    inner = [first.value] if isinstance(first, ast.Attribute) else []
    return tuple(meaning for each in (first, *inner) if (meaning := names.meaning(each)))


def _outermost(node: ast.expr, function: Function) -> tuple[ast.expr, str]:
    """The whole expression that a call is a part of, and the name that it is given."""
    while True:
        above = function.parents.get(node)
        if isinstance(above, ast.keyword):
            above = function.parents.get(above)
        if not isinstance(above, (ast.Attribute, ast.Call, ast.Await, ast.NamedExpr, ast.Subscript)):
            break
        node = above
        if isinstance(node, ast.NamedExpr):
            return node, node.target.id
    if isinstance(above, ast.Assign) and isinstance(above.targets[0], ast.Name):
        return node, above.targets[0].id
    if isinstance(above, ast.AnnAssign) and isinstance(above.target, ast.Name):
        return node, above.target.id
    return node, ""


def row_models(functions: CallGraph) -> dict[str, frozenset[str]]:
    """The classes that are mapped to a table, under their dotted names, with what they and those they are made of declare."""

    def declared(name: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
        if name not in functions.classes or name in seen:
            return frozenset()
        kind = functions.classes[name]
        own = frozenset(_bound(kind.node)) | {"__table__" for each in kind.node.keywords if each.arg == "table"}
        return own.union(*(declared(base, seen | {name}) for base in kind.made_of))

    found = {name: declared(name) for name in functions.classes}
    return {name: columns for name, columns in found.items() if columns & {"__tablename__", "__table__"}}


def _bound(node: ast.ClassDef) -> Iterator[str]:
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            yield each.target.id
        elif isinstance(each, ast.Assign):
            yield from (target.id for target in each.targets if isinstance(target, ast.Name))
        elif isinstance(each, FUNCTIONS):
            yield each.name


class Owners:
    """Checks of a row's owner."""

    def __init__(
        self, functions: CallGraph, models: Iterable[str], columns: Iterable[str], helpers: Iterable[str]
    ) -> None:
        self._functions = functions
        self._models = set(models)
        self._columns = set(columns)
        self._helpers = set(helpers)

    def carries(self, statement: Statement) -> bool:
        """Report whether a statement filters by the owner, itself or by a condition."""
        return any(self._names_owner(part, statement.function) for part in statement.chain)

    def _names_owner(self, node: ast.AST, function: Function, seen: set[ast.AST] | None = None) -> bool:
        seen = {node} if seen is None else seen
        if mentions(node, self._columns):
            return True
        for each in walk(node):
            if isinstance(each, ast.Call):
                meaning = function.names.meaning(each.func)
                called = self._functions.named(meaning)
                if (called and called.name in self._helpers) or meaning in self._helpers:
                    return True
                if called and called is not function and mentions(called.node, self._columns):
                    return True
            elif isinstance(each, ast.Name):
                values = [value for value in function.assigned.get(each.id, []) if value not in seen]
                seen.update(values)
                if any(self._names_owner(value, function, seen) for value in values):
                    return True
        return False

    def looked_at(self, statement: Statement, callers: tuple[Function, ...]) -> bool:
        """Report whether the owner of a fetched row is compared: in the function that fetches it, or in a caller."""
        if self._compares(statement.function, statement.variable):
            return True
        return any(self._compares(caller, "") for caller in callers)

    def _compares(self, function: Function, variable: str) -> bool:
        for node in walk(function.node):
            if isinstance(node, ast.Compare):
                for each in walk(node):
                    if isinstance(each, ast.Attribute) and each.attr in self._columns:
                        base = each.value.id if isinstance(each.value, ast.Name) else ""
                        # That of the class is a condition of some statement.
                        of_row = function.names.meaning(each.value) not in self._models
                        if of_row and variable in ("", base):
                            return True
        for use in function.uses:
            if variable and variable not in {each.id for each in use.node.args if isinstance(each, ast.Name)}:
                continue
            called = self._functions.called(use)
            if called is None or called is function:
                continue
            if called.name in self._helpers or any(
                isinstance(node, ast.Compare)
                and mentions(node, self._columns)
                and not any(isinstance(above, ast.Call) for above in _above(node, called))
                for node in walk(called.node)
            ):
                return True
        return False


def _above(node: ast.AST, function: Function) -> Iterator[ast.AST]:
    while node in function.parents:
        node = function.parents[node]
        yield node
