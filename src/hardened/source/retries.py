"""Facts of what is tried again without a bound."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from .symbols import CallSite
from .tree import literal


def unbounded(use: CallSite) -> str:
    """Why a call of a library's makes something that is tried again for ever."""
    root, _, rest = use.name.partition(".")
    given = {each.arg: each.value for each in use.node.keywords}
    if None in given:
        return ""  # options that only running it tells
    if root == "tenacity" and rest in ("retry", "Retrying", "AsyncRetrying"):
        stop = given.get("stop")
        if use.node.args and rest == "retry" and not given:
            return "" if not isinstance(use.node.args[0], ast.Name) else "tenacity.retry has no stop"
        if stop is None and not use.node.args:
            return f"tenacity.{rest} has no stop"
        never = stop is not None and ast.unparse(stop).rpartition(".")[2] == "stop_never"
        return f"tenacity.{rest} has stop_never" if never else ""
    if root == "stamina" and rest in ("retry", "retry_context", "RetryingCaller", "AsyncRetryingCaller"):
        ends = [given.get(name) for name in ("attempts", "timeout")]
        return f"stamina.{rest} has neither attempts nor a timeout" if all(literal(e) is None for e in ends) else ""
    if root == "backoff" and rest in ("on_exception", "on_predicate"):
        return "" if {"max_tries", "max_time"} & set(given) else f"backoff.{rest} has neither max_tries nor max_time"
    return ""


def circles(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[int, str]]:
    for node in ast.walk(function):
        if isinstance(node, ast.ExceptHandler):
            for call in (each for each in ast.walk(node) if isinstance(each, ast.Call)):
                target = ast.unparse(call.func)
                if target in {f"{own}.{how}" for own in (function.name, "self") for how in ("delay", "apply_async")}:
                    yield call.lineno, "sends itself again when it fails"
        if isinstance(node, (ast.While, ast.For, ast.AsyncFor)):
            for call in (each for each in ast.walk(node) if isinstance(each, ast.Call)):
                attribute = call.func.attr if isinstance(call.func, ast.Attribute) else ""
                quiet = any(each.arg == "throw" and literal(each.value) is False for each in call.keywords)
                if attribute == "retry" and quiet:
                    yield call.lineno, "asks for a retry in a loop"
        if isinstance(node, ast.While) and literal(node.test) is True:
            for inner in node.body:
                if isinstance(inner, ast.Try) and _leaves([*inner.body, *inner.orelse, *node.body[-1:]]):
                    for handler in inner.handlers:
                        if not _leaves(handler.body):
                            yield handler.lineno, "tries again in a loop for as long as it fails"


def _leaves(body: Iterable[ast.AST]) -> bool:
    """Whether some way through these statements leaves the loop around them."""
    return any(isinstance(node, (ast.Return, ast.Break, ast.Raise)) for each in body for node in ast.walk(each))
