"""RT006: a list with no maximum."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...model import Finding, Rule
from ...records.routes import Dependant, OpenNumber, RoutingTable
from ...source.call_graph import CallGraph, Function, plain_names
from ...source.nodes import walk
from ...source.rows import Statement, statements
from ._endpoints import function_of, own_endpoints

LIMITS = {"limit", "size", "count", "top", "take", "page_size", "pagesize", "per_page", "perpage", "page_limit"}
LIMITS |= {"max_results", "maxresults", "num_results", "results_per_page", "items_per_page", "batch_size", "n"}
#: What bounds a statement, counts, groups or takes a single row.
BOUNDED = {"limit", "slice", "fetch", "first", "one", "one_or_none", "scalar", "scalar_one", "scalar_one_or_none"}
BOUNDED |= {"in_", "count", "group_by", "exists", "subquery", "cte", "fetchone", "fetchmany", "partitions", "paginate"}
BOUNDED |= {"get", "scalar_subquery", "islice", "yield_per", "distinct", "max", "min", "sum"}
READS = {"scalars", "execute", "all", "stream", "stream_scalars", "exec"}


class RT006(Rule):
    """A list with no maximum.

    A query parameter that says how many (`limit`, `page_size`, `per_page`, ...) and takes ten million; or a response
    that is a list, with a `select(...)` or `query(...)` behind it that nothing bounds. Quiet are a number that the code
    bounds with `min()` or a comparison, a statement with a limit, a slice or given identifiers, and one that counts,
    groups or takes a single row.
    """

    def check(self, routing: RoutingTable, call_graph: CallGraph) -> Iterator[Finding]:
        numbers: set[OpenNumber] = set()
        judged: set[ast.AST] = set()
        for route in own_endpoints(routing.routes):
            for dependant in route.dependants:
                for number in _limits(dependant, call_graph):
                    if number not in numbers:
                        numbers.add(number)
                        yield self.finding(
                            f"{route.called} takes any {number.name}, ten million too",
                            number.location,
                            f"{route.called} {number.name}",
                            hint="give it a maximum, such as `le=100`",
                        )
            function = function_of(route.endpoint, call_graph)
            if function is None or route.response is None or not route.response.is_list:
                continue
            for inner, _, callers in call_graph.reached(function):
                for each in statements(inner) if len(callers) < 3 else ():
                    if each.use.node not in judged and _is_unbounded(each):
                        judged.add(each.use.node)
                        yield self.finding(
                            f"{route.called} answers with all rows that there are, however many",
                            each.location,
                            route.called,
                            hint="give the statement a limit, and the list pages",
                        )
        routing.require_models()


def _limits(dependant: Dependant, call_graph: CallGraph) -> Iterator[OpenNumber]:
    """The numbers that say how many rows to answer with, and that nothing bounds."""
    function = function_of(dependant.call, call_graph)
    for number in dependant.numbers:
        if number.name.lower() in LIMITS:
            if not number.model and function is not None and _bounds(function, number.name):
                continue
            yield number


def _bounds(function: Function, name: str) -> bool:
    """Decide whether the code bounds a number itself."""
    for node in walk(function.node):
        bounding = isinstance(node, ast.Compare) or (
            isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("min", "clamp")
        )
        if bounding and name in plain_names(node):
            return True
    return False


def _is_unbounded(statement: Statement) -> bool:
    """Decide whether a statement reads all rows that it chooses, however many."""
    if statement.use.last not in ("select", "query") or not statement.models:
        return False
    if statement.calls & BOUNDED or not statement.calls & READS:
        return False
    return not any(isinstance(node, ast.Slice) for part in statement.chain for node in walk(part))
