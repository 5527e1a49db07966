"""RT003: a range in a request that may end before it begins, or never."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...config.table import Config
from ...model import Finding, Rule
from ...records.routes import Dependant, ModelRange, ParameterRange, Route, RoutingTable
from ...source.call_graph import CallGraph, Function, plain_names
from ...source.nodes import walk
from ._endpoints import function_of, own_endpoints


class RT003(Rule):
    """A range in a request that may end before it begins, or never.

    Two fields of a request's model, or two parameters, that are a range by their names and types (`start` and `end`,
    `since` and `until`, `min_price` and `max_price`). A model is given samples: the two exchanged must be refused, and,
    of days or moments that are both required, a century as well. Parameters that stand alone must be compared with each
    other somewhere behind the endpoint. Quiet are models that no sample fills, identifiers (`from_account`), times of
    the day, a century where an end may be left open, and filters in a query of which neither end has to be given:
    exchanged they find nothing, and that is all.
    """

    def check(self, routing: RoutingTable, call_graph: CallGraph, config: Config) -> Iterator[Finding]:
        judged: set[ModelRange] = set()
        for route in own_endpoints(routing.routes):
            for dependant in route.dependants:
                # A filter of which neither end has to be given finds nothing when they are exchanged, and that is all.
                models = [*(each for each in dependant.query_models if each.required), *dependant.body_models]
                for found in models:
                    if found.problem and found not in judged:
                        judged.add(found)
                        yield self.finding(
                            f"{found.model} {found.problem}",
                            found.location,
                            f"{found.model}.{found.upper}",
                            hint=f"refuse it in the model, so that {route.called} answers 422",
                        )
                yield from self._alone(route, dependant, call_graph, config.package)
        routing.require_models()

    def _alone(self, route: Route, dependant: Dependant, call_graph: CallGraph, package: str) -> Iterator[Finding]:
        """Judge the parameters that stand alone."""
        for pair in dependant.query_ranges:
            function = function_of(dependant.call, call_graph) if pair.required else None
            if function and not _compared(call_graph, package, function, pair):
                yield self.finding(
                    f"{route.called} takes any {pair.lower} with any {pair.upper}, and nothing behind it compares them",
                    dependant.call.location,
                    f"{route.called} {pair.upper}",
                    hint="refuse an end before the start, and a range that is too long",
                )


def _compared(call_graph: CallGraph, package: str, function: Function, pair: ParameterRange) -> bool:
    """Decide whether the two are compared or subtracted, or handed to what may do so and cannot be seen into."""
    pending, seen = [(function, pair.lower, pair.upper)], set()
    while pending:
        here, low, high = pending.pop()
        if (here.name, low, high) in seen:
            continue
        seen.add((here.name, low, high))
        lows, highs = here.spread([low]), here.spread([high])
        for node in walk(here.node):
            if isinstance(node, (ast.Compare, ast.BinOp)):
                sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else [node.left, node.right]
                names = [plain_names(each) for each in sides]
                if any(lows & each for each in names) and any(highs & each for each in names):
                    return True
        for use in here.uses:
            given = [*use.node.args, *(each.value for each in use.node.keywords)]
            if not all(any(here.is_brought(each, names) for each in given) for names in (lows, highs)):
                continue
            other = call_graph.called(use)
            if other is None:
                if use.name.startswith(package):
                    return True  # a class, such as a model that has the rules
                continue
            below = [call_graph.handed_on(use, other, here, names) for names in (lows, highs)]
            if below[0] and below[1]:
                pending.append((other, below[0][0], below[1][0]))
    return False
