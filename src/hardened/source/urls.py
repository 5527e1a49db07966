"""Addresses of databases and brokers in source."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..model import Location
from ..records.deployment import Driver
from .symbols import SymbolTable

_TAKES = {
    "Field",
    "SecretStr",
    "get",
    "getenv",
    "create_engine",
    "create_async_engine",
    "make_url",
    "from_url",
    "Celery",
}
_TAKES |= {"config", "env", "str", "setdefault", "PostgresDsn", "MySQLDsn", "RedisDsn", "AmqpDsn", "AnyUrl", "Redis"}
_TELLS = {"description", "title", "examples", "example", "help", "pattern"}
_COMPARES = {"startswith", "removeprefix", "split", "partition", "sub", "index", "find", "count"}


def drivers(names: SymbolTable) -> Iterator[Driver]:
    """The drivers that the addresses in one module need."""
    kinds = (ast.Assign, ast.AnnAssign, ast.Return, ast.FunctionDef, ast.AsyncFunctionDef, ast.Dict, ast.Call)
    for node, _ in names.nodes(*kinds):
        values: list[tuple[ast.expr, bool]] = []
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            values.append((node.value, True))
        elif isinstance(node, ast.Return) and node.value is not None:
            values.append((node.value, False))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            values += [(each, True) for each in (*node.args.defaults, *node.args.kw_defaults) if each is not None]
        elif isinstance(node, ast.Dict):
            values += [(each, False) for each in node.values]
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in _COMPARES:
                continue
            # What is replaced is looked for; what it is replaced by is used.
            arguments = node.args[1:] if called == "replace" else node.args
            values += [(each, called in _TAKES) for each in arguments]
            values += [(each.value, called in _TAKES) for each in node.keywords if each.arg not in _TELLS]
        for value, plain in values:
            for text, line in _texts(value):
                yield from Driver.of(text, Location(names.file.path, line), plain=plain)


def _texts(value: ast.expr) -> Iterator[tuple[str, int]]:
    """The beginnings of the texts that an expression may give."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value, value.lineno
    elif isinstance(value, ast.JoinedStr) and value.values:
        yield from _texts(value.values[0])
    elif isinstance(value, ast.IfExp):
        yield from _texts(value.body)
        yield from _texts(value.orelse)
    elif isinstance(value, ast.BoolOp):
        for each in value.values:
            yield from _texts(each)
    elif isinstance(value, ast.BinOp):
        yield from _texts(value.left)
