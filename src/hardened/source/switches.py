"""Switches by which a setting disables a call in silence."""

from __future__ import annotations

import ast
import re

from .nodes import walk
from .symbols import CallSite

_LOGS = {"debug", "info", "warning", "error", "exception", "print", "log", "getLogger", "get_logger", "bind"}
_SWITCH = re.compile(r"settings|config|environ|getenv|\b[A-Z][A-Z_]{3,}\b", re.I)
_WORKER = re.compile(r"worker|celery|broker|queue|background|tasks?_|jobs?_|redis", re.I)


def disabling_switch(use: CallSite) -> ast.If | None:
    """The `if` over a setting because of which this call is left out."""
    function = use.function
    if function is None:
        return None
    return _switch(function.body, use.node, []) or _expression(function, use.node)


def _expression(function: ast.AST, call: ast.Call) -> ast.If | None:
    """The same in an expression: `settings.worker_enabled and enqueue(...)`."""
    for node in walk(function):
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And) and len(node.values) > 1:
            test, last = node.values[0], node.values[-1]
        elif isinstance(node, ast.IfExp) and not any(isinstance(each, ast.Call) for each in walk(node.orelse)):
            test, last = node.test, node.body
        else:
            continue
        if _is_switch(test) and any(each is call for each in walk(last)):
            return ast.If(test, [], [], lineno=test.lineno)
    return None


def _switch(body: list[ast.stmt], call: ast.Call, later: list[ast.stmt]) -> ast.If | None:
    for position, statement in enumerate(body):
        if not any(node is call for node in walk(statement)):
            if isinstance(statement, ast.If) and _is_switch(statement.test) and _gives_up(statement.body):
                return statement
            continue
        rest = [*body[position + 1 :], *later]
        if isinstance(statement, ast.If) and any(node is call for each in statement.body for node in walk(each)):
            other = statement.orelse or (rest if isinstance(statement.body[-1], (ast.Return, ast.Raise)) else [])
            if _is_switch(statement.test) and _does_nothing(other):
                return statement
        for name in ("body", "orelse", "finalbody"):
            inner = getattr(statement, name, None)
            if isinstance(inner, list) and (found := _switch(inner, call, rest)):
                return found
    return None


def _is_switch(test: ast.expr) -> bool:
    text = ast.unparse(test)
    return bool(_SWITCH.search(text) and _WORKER.search(text))


def _does_nothing(body: list[ast.stmt]) -> bool:
    """Return whether these statements only log."""
    calls = [node for each in body for node in walk(each) if isinstance(node, ast.Call)]
    words = (each.func.attr if isinstance(each.func, ast.Attribute) else getattr(each.func, "id", "") for each in calls)
    raises = any(isinstance(node, ast.Raise) for each in body for node in walk(each))
    return not raises and all(word in _LOGS for word in words)


def _gives_up(body: list[ast.stmt]) -> bool:
    return isinstance(body[-1], ast.Return) and _does_nothing(body)
