"""CF006: a route that says whether the process lives, and depends on something else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from ...config.table import FILE
from ...deployment.kubernetes import Cluster
from ...knowledge.backends import BACKENDS
from ...model import DoesNotApply, Finding, Location, Rule, option
from ...records.routes import GetRoute
from ...source.call_graph import CallGraph, Function
from ...source.walks import own_nodes

_OF_THE_REQUEST = re.compile(r"\.Request\(\)\.(?:body|json|form|is_disconnected)$")


class CF006(Rule):
    """A route that says whether the process lives, and depends on something else.

    The routes are those that `liveness` names and those that a livenessProbe of the manifests calls. What counts, of the
    route's function and of all that it depends on: a plain `def`, which waits for a thread that busy requests have; a
    parameter that is a session, an engine or a client; and waiting for anything, also in a function of the project that it
    calls. A route in `liveness` that is not there is named too. Readiness may depend on all that it likes, and so may the
    health check of a compose file, at which nothing is started again.
    """

    liveness: tuple[str, ...] = option(
        default=(), help="routes that say that the process lives, besides those of probes"
    )

    def check(self, cluster: Cluster, steps: Sequence[GetRoute], call_graph: CallGraph) -> Iterator[Finding]:
        probes = list(_liveness_probes(cluster))
        if not probes and not self.liveness:
            raise DoesNotApply("no `liveness` in [tool.hardening], and no livenessProbe that calls a route")
        routes = {path: next((each for each in steps if each.answers(path)), None) for path in self.liveness}
        routes |= {path: next((each for each in steps if each.answers(path)), None) for path, _ in probes}
        found = {path: _dependence(route, call_graph) for path, route in routes.items() if route}
        for path in self.liveness:
            route = routes[path]
            if route is None:
                message = f"liveness names {path}, and no route answers GET {path}"
                yield self.finding(message, Location(FILE), path, hint="correct the path")
            elif dependence := found[path]:
                message = f"{path} says whether the process lives, and {dependence[0]}"
                yield self.finding(message, route.steps[0].location, path, hint=dependence[1])
        for path, location in probes:
            dependence = found.get(path)
            if dependence and path not in self.liveness:
                message = f"this livenessProbe calls {path}, and {dependence[0]}"
                yield self.finding(message, location, path, hint=dependence[1])


def _liveness_probes(cluster: Cluster) -> Iterator[tuple[str, Location]]:
    """The paths that livenessProbes call, and their lines."""
    for container in cluster.containers():
        probe = container.content.get("livenessProbe")
        if not isinstance(probe, dict):
            continue
        location = Location.of(cluster.root, container.path, container.content.line_of("livenessProbe"))
        request, command = probe.get("httpGet"), probe.get("exec")
        if isinstance(request, dict):
            yield str(request.get("path") or "/"), location
        words = command.get("command") if isinstance(command, dict) else None
        for word in words if isinstance(words, list) else ():
            if match := re.search(r"https?://(?:localhost|127\.0\.0\.1)(?::\d+)?(/[^\s'\"?]*)", str(word)):
                yield match[1], location


def _dependence(route: GetRoute, call_graph: CallGraph) -> tuple[str, str] | None:
    """The other part that a route waits for before it answers, and the advice; None for none."""
    why, hint = "a part that is down gets every replica started again", "leave that to readiness"
    for position, step in enumerate(route.steps):
        name = step.name if position == 0 else f"depends on {step.name}, which"
        if step.threaded and step.location.file is not None:
            return f"{name} is a plain def that waits for a free thread: busy is taken for dead", "make it async def"
        backend = next((each for each in step.types if each.partition(".")[0] in BACKENDS), "")
        if backend:
            return f"{name} is handed {backend}: {why}", hint
        function = call_graph.at(step.location)
        if function and (awaited := _awaited(call_graph, function, set())):
            return f"{name} waits for {awaited}: {why}", hint
    return None


def _awaited(call_graph: CallGraph, function: Function, seen: set[Function]) -> str:
    """The expression that a function waits for, itself or in functions of the project that it calls; "" for none."""
    seen.add(function)
    calls = {id(call.node): call for call in function.calls}
    for each in own_nodes(function.node):
        for expression in _waits(each):
            call = calls.get(id(expression))
            is_own = call is not None and call_graph.called(call) is not None
            is_quiet = call is not None and (call.name == "asyncio.sleep" or _OF_THE_REQUEST.search(call.name))
            # What a function of the project waits for is looked at below.
            if not is_quiet and not is_own:
                return ast.unparse(expression)
    for call in function.calls:
        if call.name.partition(".")[0] in BACKENDS and "()" in call.name:
            return f"{call.name}()"
        callee = call_graph.called(call)
        if callee and callee not in seen and (below := _awaited(call_graph, callee, seen)):
            return below
    return ""


def _waits(node: ast.AST) -> list[ast.expr]:
    """The expressions that a node waits for."""
    if isinstance(node, (ast.Await, ast.YieldFrom)):
        return [node.value]
    if isinstance(node, ast.AsyncWith):
        return [item.context_expr for item in node.items]
    return [node.iter] if isinstance(node, ast.AsyncFor) else []
