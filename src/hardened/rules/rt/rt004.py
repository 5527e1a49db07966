"""RT004: a row that is found by an identifier from the request, whoever it belongs to."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from ...config.table import Config
from ...model import DoesNotApply, Finding, NotConfigured, Rule, option
from ...records.routes import CodeRef, Route
from ...source.call_graph import CallGraph
from ...source.rows import Owners, Statement, statements
from ._endpoints import dotted, function_of, own_endpoints


class RT004(Rule):
    """A row that is found by an identifier from the request, whoever it belongs to.

    A statement on a model that has an owner (one of `owner-columns`), chosen by an identifier that the path, the query
    or the body brought, behind an endpoint: `session.get(Model, id)`, `select(...).where(Model.id == id)`, `update` and
    `delete`. Quiet are a statement that names the owner, in a join or a condition made elsewhere too, a row whose owner
    is compared afterwards, one that is chosen by a secret (a token's digest), and what goes through one of
    `owner-helpers`. What only administrators reach is accepted, with the route as `where`.
    """

    owner_columns: tuple[str, ...] = option(default=(), help="columns that have the owner of a row")

    def check(
        self,
        routes: Sequence[Route],
        call_graph: CallGraph,
        row_models: Mapping[str, frozenset[str]],
        addresses: Mapping[str, CodeRef | None],
        config: Config,
    ) -> Iterator[Finding]:
        columns = self.owner_columns
        if not columns:
            raise NotConfigured("no `owner-columns` in [tool.hardening]")
        models = {name for name, declared in row_models.items() if declared.intersection(columns)}
        if not models:
            raise DoesNotApply(f"no model has one of the owner-columns {', '.join(columns)}")
        helpers = dotted(addresses, config.owner_helpers)
        owners = Owners(call_graph, row_models, columns, helpers)
        for route in own_endpoints(routes, websockets=True):
            told: set[ast.AST] = set()
            for dependant in route.dependants:
                function = function_of(dependant.call, call_graph)
                brought = [*dependant.path, *dependant.query, *dependant.body]
                if function is None or not brought:
                    continue
                for inner, names, callers in call_graph.reached(function, brought, without=helpers):
                    for each in statements(inner) if names else ():
                        if (
                            each.use.node not in told
                            and models.intersection(each.models)
                            and each.is_by_identifier(names)
                            and not owners.carries(each)
                            and not owners.looked_at(each, callers)
                        ):
                            told.add(each.use.node)
                            yield self._report(route, each, models, columns)

    def _report(self, route: Route, statement: Statement, models: set[str], columns: tuple[str, ...]) -> Finding:
        model = next(each for each in statement.models if each in models).rpartition(".")[2]
        return self.finding(
            f"{route.called} finds a {model} by what the request says, whoever it belongs to",
            statement.location,
            route.called,
            hint=f"ask for {' or '.join(columns)} in the same statement",
        )
