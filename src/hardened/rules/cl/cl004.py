"""CL004: a client with connections of its own, made in a request or in a job."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...config.table import Config
from ...model import Finding, Rule
from ...source.call_graph import CallGraph, Function
from ...source.nodes import walk
from ...source.outgoing import makes_client
from ...source.symbols import CallSite


class CL004(Rule):
    """A client with connections of its own, made in a request or in a job.

    Looked for in routes, in dependencies, in jobs and tasks, and in all of the package's functions and constructors that
    these call: a client or pool of Redis, of an HTTP library, of a search engine, a cloud, a broker or a model provider,
    and each class below `client-base`.
    Quiet are: a new object on a pool, transport or connector that exists (`Redis(connection_pool=pool)`); what is made
    in a module, in a lifespan, in a function that keeps what it gives (`functools.cache`); what is made once, when it
    is not there yet, and kept in the module or in an object that outlives the request.
    """

    def check(self, config: Config, call_graph: CallGraph) -> Iterator[Finding]:
        base = call_graph.canonical(config.client_base) if config.client_base else ""
        for function, what in call_graph.in_requests.items():
            for use in function.inside:
                name = call_graph.name_of(use)
                own = name in call_graph.classes and base in call_graph.bases(call_graph.classes[name])
                if (makes_client(use, name) or (own and base)) and not _is_kept(call_graph, function, use):
                    yield self.finding(
                        f"{name}() is made in {what} ({function.node.name}), and so are its connections, each time",
                        use.location,
                        name,
                        hint="make it once for the process, and close it when that ends",
                    )


def _is_kept(call_graph: CallGraph, function: Function, use: CallSite) -> bool:
    """Return whether a client is made when it is not there yet, and kept where the next request finds it."""
    nodes = list(walk(function.node))
    made = next(
        (
            each
            for each in nodes
            if isinstance(each, (ast.Assign, ast.AnnAssign, ast.NamedExpr))
            and any(inner is use.node for inner in walk(each.value or each))
        ),
        None,
    )
    if made is None:
        return False
    shared = {name for each in nodes if isinstance(each, ast.Global) for name in each.names}
    for target in made.targets if isinstance(made, ast.Assign) else [made.target]:
        location = target.value if isinstance(target, ast.Subscript) else target
        if isinstance(location, ast.Name) and not isinstance(target, ast.Subscript) and location.id not in shared:
            continue
        of_self = (
            isinstance(location, ast.Attribute) and isinstance(location.value, ast.Name) and location.value.id == "self"
        )
        if of_self and any(kind.name in call_graph.made_in_requests for kind in call_graph.all_around(use.within)):
            continue
        word = getattr(location, "attr", getattr(location, "id", ""))
        tests = [each.test for each in nodes if isinstance(each, (ast.If, ast.IfExp))]
        tests += [each for each in nodes if isinstance(each, ast.BoolOp)]
        if any(
            word in (getattr(each, "attr", ""), getattr(each, "id", ""), getattr(each, "value", ""))
            for test in tests
            for each in walk(test)
        ):
            return True
    return False
