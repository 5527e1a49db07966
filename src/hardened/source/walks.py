"""Walks over syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .nodes import LEAVES, SCOPES, child_nodes

_NOT_ENTERED = LEAVES.union(SCOPES)

CONSTRUCTORS = ("__init__", "__post_init__", "__new__", "model_post_init", "__attrs_post_init__")
"""Methods that run when an object is made."""


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function's body in the order of the source.

    Functions, lambdas and classes inside of it are yielded and not entered: what they contain runs at another time.
    Decorators, defaults and annotations are evaluated around the function, and are left out.
    """
    body = getattr(function, "body", ())
    pending: list[ast.AST] = [body] if isinstance(body, ast.AST) else list(reversed(body))
    while pending:
        node = pending.pop()
        yield node
        if node.__class__ not in _NOT_ENTERED:
            pending += child_nodes(node)[::-1]


def is_generator(function: ast.AST) -> bool:
    """Return whether a call of a function returns an iterator."""
    return any(isinstance(each, (ast.Yield, ast.YieldFrom)) for each in own_nodes(function))
