"""RT004: a row that is found by an identifier from the request, whoever it belongs to."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...model import DoesNotApply, Finding, Rule
from ...project import Project
from ...records import Route
from ...source.rows import Owners, Statement, statements
from ._endpoints import (
    function_of,
    helpers_of,
    own_endpoints,
)


class RT004(Rule):
    """A row that is found by an identifier from the request, whoever it belongs to.

    A statement on a model that has an owner (one of `owner-columns`), chosen by an identifier that the path, the query
    or the body brought, behind an endpoint: `session.get(Model, id)`, `select(...).where(Model.id == id)`, `update` and
    `delete`. Quiet are a statement that names the owner, in a join or a condition made elsewhere too, a row whose owner
    is compared afterwards, one that is chosen by a secret (a token's digest), and what goes through one of
    `owner-helpers`. What only administrators reach is accepted, with the route as `where`.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        from ...runtime.routes import dependants  # noqa: PLC0415 - a project without FastAPI has the other guards

        columns = project.config.owner_columns
        if not columns:
            raise DoesNotApply("no `owner-columns` in [tool.hardening]")
        models = {name for name, declared in project.row_models.items() if declared.intersection(columns)}
        if not models:
            raise DoesNotApply(f"no model has one of the owner-columns {', '.join(columns)}")
        helpers = helpers_of(project)
        owners = Owners(project.call_graph, project.row_models, columns, helpers)
        for route in own_endpoints(project, websockets=True):
            told: set[ast.AST] = set()
            for dependant in dependants(route):
                function = function_of(project, dependant.call)
                fields = (dependant.path_params, dependant.query_params, dependant.body_params)
                brought = [field.name for each in fields for field in each]
                if function is None or not brought:
                    continue
                for inner, names, callers in project.call_graph.reached(function, brought, without=helpers):
                    for each in statements(inner) if names else ():
                        if (
                            each.use.node not in told
                            and models.intersection(each.models)
                            and each.is_by_identifier(names)
                            and not owners.carries(each)
                            and not owners.looked_at(each, callers)
                        ):
                            told.add(each.use.node)
                            yield self._told(route, each, models, columns)

    def _told(self, route: Route, statement: Statement, models: set[str], columns: tuple[str, ...]) -> Finding:
        model = next(each for each in statement.models if each in models).rpartition(".")[2]
        return self.finding(
            f"{route.called} finds a {model} by what the request says, whoever it belongs to; "
            f"ask for {' or '.join(columns)} in the same statement",
            statement.location,
            route.called,
        )
