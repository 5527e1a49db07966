"""CF006: a route that says whether the process lives, and depends on something else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...config.table import FILE
from ...model import DoesNotApply, Finding, Location, Rule
from ...project import Project
from ...records.routes import GetRoute
from ...source.call_graph import Function

if TYPE_CHECKING:
    pass


_BACKENDS = {
    "sqlalchemy",
    "sqlmodel",
    "redis",
    "valkey",
    "httpx",
    "httpx2",
    "requests",
    "aiohttp",
    "psycopg",
    "psycopg2",
    "psycopg_pool",
    "asyncpg",
    "aiosqlite",
    "sqlite3",
    "motor",
    "pymongo",
    "beanie",
    "tortoise",
    "peewee",
    "celery",
    "kombu",
    "aio_pika",
    "pika",
    "aiokafka",
    "confluent_kafka",
    "nats",
    "elasticsearch",
    "opensearchpy",
    "boto3",
    "aioboto3",
    "botocore",
    "grpc",
    "smtplib",
    "aiosmtplib",
    "ldap3",
    "aiomysql",
    "pymysql",
}
_OF_THE_REQUEST = re.compile(r"\.Request\(\)\.(?:body|json|form|is_disconnected)$")


class CF006(Rule):
    """A route that says whether the process lives, and depends on something else.

    The routes are those that `liveness` names and those that a livenessProbe of the manifests calls. What counts, of the
    route's function and of all that it depends on: a plain `def`, which waits for a thread that busy requests have; a
    parameter that is a session, an engine or a client; and waiting for anything, also in a function of the project that it
    calls. A route in `liveness` that is not there is named too. Readiness may depend on all that it likes, and so may the
    health check of a compose file, at which nothing is started again.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        probes = list(_liveness_probes(project))
        if not probes and not project.config.liveness:
            raise DoesNotApply("no `liveness` in [tool.hardening], and no livenessProbe that calls a route")
        told = set()
        for path in project.config.liveness:
            route = _answering(project, path)
            if route is None:
                yield self.finding(
                    f"liveness names {path}, and no route answers GET {path}; correct the path", Location(FILE), path
                )
            elif why := _waits(project, path):
                told.add(path)
                yield self.finding(f"{path} says whether the process lives, and {why}", route.steps[0].location, path)
        for path, location in probes:
            if path not in told and (why := _waits(project, path)):
                yield self.finding(f"this livenessProbe calls {path}, and {why}", location, path)


def _liveness_probes(project: Project) -> Iterator[tuple[str, Location]]:
    for container in project.cluster.containers():
        probe = container.content.get("livenessProbe")
        if not isinstance(probe, dict):
            continue
        told = probe.get("httpGet")
        location = Location.of(project.config.root, container.path, container.content.line_of("livenessProbe"))
        if isinstance(told, dict):
            yield str(told.get("path") or "/"), location
        words = probe.get("exec", {}).get("command") if isinstance(probe.get("exec"), dict) else None
        for word in words if isinstance(words, list) else ():
            if match := re.search(r"https?://(?:localhost|127\.0\.0\.1)(?::\d+)?(/[^\s'\"?]*)", str(word)):
                yield match[1], location


def _answering(project: Project, path: str) -> GetRoute | None:
    """The route that answers `GET path`."""
    return next((each for each in project.steps if each.answers(path)), None)


def _waits(project: Project, path: str) -> str:
    """What a route waits for before it answers, and what to do; "" for nothing."""
    advice = "a part that is down gets every replica started again"
    route = _answering(project, path)
    for position, step in enumerate(route.steps if route else ()):
        called = step.name if position == 0 else f"depends on {step.name}, which"
        if step.threaded and step.location.file is not None:
            return f"{called} is a plain def that waits for a free thread: busy is taken for dead; make it async def"
        backend = next((each for each in step.types if each.partition(".")[0] in _BACKENDS), "")
        if backend:
            return f"{called} is handed {backend}: {advice}; leave that to readiness"
        function = project.call_graph.at(step.location)
        if function and (awaited := _awaited(project, function)):
            return f"{called} waits for {awaited}: {advice}; leave that to readiness"
    return ""


def _awaited(project: Project, function: Function, deep: int = 0) -> str:
    """What a function waits for, itself or in functions of the project that it calls."""
    called = {id(use.node): use for use in function.calls}
    for each in _own_nodes(function.node):
        waited: list[ast.expr] = []
        if isinstance(each, (ast.Await, ast.YieldFrom)):
            waited = [each.value]
        elif isinstance(each, ast.AsyncWith):
            waited = [item.context_expr for item in each.items]
        elif isinstance(each, ast.AsyncFor):
            waited = [each.iter]
        for expression in waited:
            use = called.get(id(expression))
            own = project.call_graph.called(use) if use else None
            quiet = use is not None and (use.name == "asyncio.sleep" or _OF_THE_REQUEST.search(use.name))
            # What a function of the project waits for is looked at below.
            if not quiet and (own is None or deep > 3):
                return ast.unparse(expression)
    for use in function.calls:
        if use.name.partition(".")[0] in _BACKENDS and "()" in use.name:
            return f"{use.name}()"
        own = project.call_graph.called(use)
        further = own is not None and own is not function and deep <= 3
        if further and own and (below := _awaited(project, own, deep + 1)):
            return below
    return ""


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, without those of functions inside of it."""
    pending = list(ast.iter_child_nodes(node))
    while pending:
        each = pending.pop()
        yield each
        if not isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            pending += ast.iter_child_nodes(each)
