"""Retries without a bound."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from .nodes import walk
from .symbols import CallSite
from .tree import literal


def unbounded(call: CallSite) -> str:
    """The reason why a call of a library makes something that is tried again for ever; "" where it does not."""
    root, _, rest = call.name.partition(".")
    given = {each.arg: each.value for each in call.node.keywords}
    if None in given:
        return ""  # options that only running it tells
    if root == "tenacity" and rest in ("retry", "Retrying", "AsyncRetrying"):
        stop = given.get("stop")
        if call.node.args and rest == "retry" and not given:
            return "" if not isinstance(call.node.args[0], ast.Name) else "tenacity.retry has no stop"
        if stop is None and not call.node.args:
            return f"tenacity.{rest} has no stop"
        never = stop is not None and ast.unparse(stop).rpartition(".")[2] == "stop_never"
        return f"tenacity.{rest} has stop_never" if never else ""
    if root == "stamina" and rest in ("retry", "retry_context", "RetryingCaller", "AsyncRetryingCaller"):
        ends = [given.get(name) for name in ("attempts", "timeout")]
        return f"stamina.{rest} has neither attempts nor a timeout" if all(literal(e) is None for e in ends) else ""
    if root == "backoff" and rest in ("on_exception", "on_predicate"):
        return "" if {"max_tries", "max_time"} & set(given) else f"backoff.{rest} has neither max_tries nor max_time"
    return ""


def endless_loops(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[int, str]]:
    """The lines of a job at which it is tried again for as long as it fails, each with how."""
    for node in walk(function):
        if isinstance(node, ast.ExceptHandler):
            yield from _sends_itself(function, node)
        if isinstance(node, (ast.While, ast.For, ast.AsyncFor)):
            yield from _retries_quietly(node)
        if isinstance(node, ast.While) and literal(node.test) is True:
            yield from _swallows(node)


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    yield from (each for each in walk(node) if isinstance(each, ast.Call))


def _sends_itself(
    function: ast.FunctionDef | ast.AsyncFunctionDef, handler: ast.ExceptHandler
) -> Iterator[tuple[int, str]]:
    for call in _calls(handler):
        owner = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
        attribute = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if owner in (function.name, "self") and attribute in ("delay", "apply_async"):
            yield call.lineno, "sends itself again when it fails"


def _retries_quietly(loop: ast.While | ast.For | ast.AsyncFor) -> Iterator[tuple[int, str]]:
    for call in _calls(loop):
        is_quiet = any(each.arg == "throw" and literal(each.value) is False for each in call.keywords)
        if is_quiet and isinstance(call.func, ast.Attribute) and call.func.attr == "retry":
            yield call.lineno, "asks for a retry in a loop"


def _swallows(loop: ast.While) -> Iterator[tuple[int, str]]:
    for inner in loop.body:
        if isinstance(inner, ast.Try) and _leaves([*inner.body, *inner.orelse, *loop.body[-1:]]):
            for handler in inner.handlers:
                if not _leaves(handler.body):
                    yield handler.lineno, "tries again in a loop for as long as it fails"


def _leaves(body: Iterable[ast.AST]) -> bool:
    """Report whether some way through these statements leaves the loop around them."""
    return any(isinstance(node, (ast.Return, ast.Break, ast.Raise)) for each in body for node in walk(each))
