"""Syntax trees: the kinds of nodes, what a node contains, and dotted names."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.ClassDef, ast.Lambda)
Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda

LEAVES = frozenset[type[ast.AST]]({ast.Name, ast.Constant, ast.alias, ast.Pass, ast.Global, ast.Nonlocal})
"""Nodes without others in them."""

_PLAIN = frozenset(
    [
        "arg",
        "asname",
        "attr",
        "conversion",
        "ctx",
        "id",
        "is_async",
        "kind",
        "kwd_attrs",
        "level",
        "module",
        "op",
        "ops",
        "rest",
        "simple",
        "tag",
        "type_comment",
        "type_ignores",
    ]
)
"""Fields without nodes, and those with an operator or a context, which only say how a node is meant."""


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    """The fields of each kind of node that may have nodes in them."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        self[kind] = () if kind in LEAVES else tuple(name for name in kind._fields if name not in _PLAIN)
        return self[kind]


_fields = _Fields()


def child_nodes(node: ast.AST) -> list[ast.AST]:
    """The nodes directly in a node, in the order of the source; operators and contexts are left out.

    Why: `ast.iter_child_nodes` takes four times as long, and every rule walks the whole tree.
    """
    found: list[ast.AST] = []
    for name in _fields[node.__class__]:
        value = getattr(node, name, None)
        if value.__class__ is list:
            # Lists have nodes, None for what is left out, or names.
            found += [each for each in value if isinstance(each, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all nodes in it, level by level as `ast.walk` has them; operators and contexts are left out."""
    level = [node]
    while level:
        yield from level
        # Half of all nodes are names and constants.
        level = [each for outer in level if outer.__class__ not in LEAVES for each in child_nodes(outer)]


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
