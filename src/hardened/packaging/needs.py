"""Uses of libraries that need a distribution which does not come along by itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from ..deployment.process import Process
from ..knowledge.extras import CRYPTOGRAPHY, FORMS, HTTP2, NEEDS, SOCKETS, Need
from ..model import Location
from ..source.nodes import walk
from ..source.tree import Source, literal
from .declared import Declared
from .entries import commands

_LAST = {name.rpartition(".")[2] for name in NEEDS}
_REQUESTS = {f"{name}().form" for name in ("fastapi.Request", "starlette.requests.Request", "fastapi.requests.Request")}
_WEBSOCKETS = {"websocket", "websocket_route", "add_websocket_route", "add_api_websocket_route", "WebSocketRoute"}
_CLIENTS = {f"{module}.{name}" for module in ("httpx", "httpx2") for name in ("Client", "AsyncClient")}
_OTHER_SERVERS = {"hypercorn", "granian", "daphne", "nginx-unit"}
_POOLS = {"gevent": "gevent", "eventlet": "eventlet"}
_LOOPS = {("--loop", "uvloop"): "uvloop", ("--http", "httptools"): "httptools"}


def needs(source: Source, declared: Declared, processes: Sequence[Process]) -> Iterator[tuple[str, Need, Location]]:
    """Yield what is used, the distribution that it needs, and the line: by name, by call, and by options of commands."""
    yield from _named(source)
    yield from _called(source, declared)
    yield from _started(processes)


def _named(source: Source) -> Iterator[tuple[str, Need, Location]]:
    for each in source.imports:
        yield from _needed(each.name, each.location)
    for names in source.own:
        for node, _ in names.nodes(ast.Attribute):
            if node.attr in _LAST:
                yield from _needed(names.meaning(node), Location(names.file.path, node.lineno))


def _called(source: Source, declared: Declared) -> Iterator[tuple[str, Need, Location]]:
    served = bool(declared.of("uvicorn")) and not any(declared.of(each) for each in _OTHER_SERVERS)
    for use in source.uses:
        if use.name in _REQUESTS:
            yield "request.form()", FORMS, use.location
        elif use.last in _WEBSOCKETS and served and _path(use.argument("path", 0)):
            yield "a websocket", SOCKETS, use.location
        elif use.name in _CLIENTS and isinstance(asked := use.argument("http2"), ast.Constant) and asked.value:
            yield "http2=True", HTTP2, use.location
        elif use.name in ("jwt.encode", "jwt.decode") and declared.of("pyjwt"):
            asked = use.argument("algorithm", 2) or use.argument("algorithms", 2)
            told = [each.value for each in walk(asked) if isinstance(each, ast.Constant)] if asked else []
            if any(re.match(r"(RS|ES|PS)\d|EdDSA", str(each)) for each in told):
                yield use.name, CRYPTOGRAPHY, use.location


def _started(processes: Sequence[Process]) -> Iterator[tuple[str, Need, Location]]:
    for process in processes:
        if not any(kind in ("attribute", "celery") for kind, _, _ in commands(process.words)):
            continue
        for word, after in zip(process.words, (*process.words[1:], ""), strict=False):
            option, _, value = word.partition("=")
            value = value or after
            pool = _POOLS.get(value) if option in ("-P", "--pool", "-k", "--worker-class") else None
            package = pool or _LOOPS.get((option, value))
            if package:
                yield f"{option} {value}", Need(f"needs {package}", (package,), f'"{package}"'), process.location


def _path(argument: ast.expr | None) -> bool:
    value = literal(argument)
    return isinstance(value, str) and (not value or value.startswith("/"))


def _needed(name: str, location: Location) -> Iterator[tuple[str, Need, Location]]:
    for known, need in NEEDS.items():
        if name == known or name.startswith(f"{known}."):
            yield known, need, location
