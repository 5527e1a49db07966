"""RT006: a list with no maximum."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from ...model import Finding, Location, Rule
from ...project import Project
from ...source.rows import Statement, statements
from ._endpoints import (
    bounds,
    function_of,
    is_list,
    location_of,
    own_endpoints,
)

LIMITS = {"limit", "size", "count", "top", "take", "page_size", "pagesize", "per_page", "perpage", "page_limit"}
LIMITS |= {"max_results", "maxresults", "num_results", "results_per_page", "items_per_page", "batch_size", "n"}


class RT006(Rule):
    """A list with no maximum.

    A query parameter that says how many (`limit`, `page_size`, `per_page`, ...) and takes ten million; or a response
    that is a list, with a `select(...)` or `query(...)` behind it that nothing bounds. Quiet are a number that the code
    bounds with `min()` or a comparison, a statement with a limit, a slice or given identifiers, and one that counts,
    groups or takes a single row.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        from ...runtime.routes import dependants  # noqa: PLC0415 - a project without FastAPI has the other guards

        told: set[object] = set()
        for route in own_endpoints(project):
            for dependant in dependants(route):
                for location, name in self._open(dependant, project):
                    if (location, name) not in told:
                        told.add((location, name))
                        message = (
                            f"{route.called} takes any {name}, ten million too; give it a maximum, such as `le=100`"
                        )
                        yield self.finding(message, location, f"{route.called} {name}")
            function = function_of(project, route.endpoint)
            if function is None or not is_list(getattr(route.context, "response_model", None)):
                continue
            for inner, _, callers in project.call_graph.reached(function):
                for each in statements(inner) if len(callers) < 3 else ():
                    if each.use.node not in told and self._is_unbounded(each):
                        told.add(each.use.node)
                        yield self.finding(
                            f"{route.called} answers with all rows that there are, however many; give the statement a "
                            "limit, and the list pages",
                            each.location,
                            route.called,
                        )

    @staticmethod
    def _open(dependant: Any, project: Project) -> Iterator[tuple[Location, str]]:
        from ...runtime import schemas as models  # noqa: PLC0415 - a service that starts has no use for it

        for field in dependant.query_params:
            info = field.field_info
            for model in models.models_of(info.annotation):
                for name, inner in model.model_fields.items():
                    if (
                        name.lower() in LIMITS
                        and models.is_number(inner.annotation)
                        and models.largest_of_field(model, name)
                    ):
                        yield models.location_of_field(model, name, project.config.root), name
            if field.name.lower() in LIMITS and models.is_number(info.annotation):
                function = function_of(project, dependant.call)
                bounded = function is not None and bounds(function, field.name)
                if not bounded and models.largest_number(info.annotation, info.metadata):
                    yield location_of(dependant.call, project), field.name

    @staticmethod
    def _is_unbounded(statement: Statement) -> bool:
        if statement.use.last not in ("select", "query") or not statement.models:
            return False
        bounded = {
            "limit",
            "slice",
            "fetch",
            "first",
            "one",
            "one_or_none",
            "scalar",
            "scalar_one",
            "scalar_one_or_none",
        }
        bounded |= {
            "in_",
            "count",
            "group_by",
            "exists",
            "subquery",
            "cte",
            "fetchone",
            "fetchmany",
            "partitions",
            "paginate",
        }
        bounded |= {"get", "scalar_subquery", "islice", "yield_per", "distinct", "max", "min", "sum"}
        if statement.calls & bounded or not statement.calls & {
            "scalars",
            "execute",
            "all",
            "stream",
            "stream_scalars",
            "exec",
        }:
            return False
        return not any(isinstance(node, ast.Slice) for part in statement.chain for node in ast.walk(part))
