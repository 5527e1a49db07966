"""Syntax trees: the kinds of nodes, what a node contains, and dotted names."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.ClassDef, ast.Lambda)
Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda

_MARKS = frozenset(
    kind
    for base in (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)
    for kind in base.__subclasses__()
)
"""Nodes that say how another one is meant, and contain nothing."""

LEAVES = frozenset[type[ast.AST]]({ast.Name, ast.Constant, ast.alias, ast.Pass, ast.Global, ast.Nonlocal})
"""Nodes without others in them."""


def child_nodes(node: ast.AST) -> list[ast.AST]:
    """The nodes directly in a node, in the order of the source; operators and contexts are left out.

    Why: `ast.iter_child_nodes` takes three times as long, and every rule walks the whole tree.
    """
    found: list[ast.AST] = []
    if node.__class__ in LEAVES:
        return found
    for name in node._fields:
        value = getattr(node, name, None)
        if value.__class__ is list:
            found += [each for each in value if isinstance(each, ast.AST) and each.__class__ not in _MARKS]
        elif isinstance(value, ast.AST) and value.__class__ not in _MARKS:
            found.append(value)
    return found


def statements(body: Iterable[ast.AST]) -> Iterator[ast.stmt]:
    """Each statement among these and in them, handlers and cases included; expressions are not entered."""
    pending = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.stmt):
            yield node
        for name in ("body", "orelse", "handlers", "finalbody", "cases"):
            pending += getattr(node, name, ())


def last_of(name: str) -> str:
    """The last word of a dotted name."""
    return name.rpartition(".")[2]


def parent_of(name: str) -> str:
    """A dotted name without its last word."""
    return name.rpartition(".")[0]


def is_within(module: str, among: Iterable[str]) -> bool:
    """Return whether a module is one of these, or below one."""
    return any(module == each or module.startswith(f"{each}.") for each in among)
