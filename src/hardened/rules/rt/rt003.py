"""RT003: a range in a request that may end before it begins, or never."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from ...model import Finding, Rule
from ...project import Project
from ...source.call_graph import Function, plain_names
from ._endpoints import (
    function_of,
    location_of,
    own_endpoints,
)


class RT003(Rule):
    """A range in a request that may end before it begins, or never.

    Two fields of a request's model, or two parameters, that are a range by their names and types (`start` and `end`,
    `since` and `until`, `min_price` and `max_price`). A model is given samples: the two exchanged must be refused, and,
    of days or moments that are both required, a century as well. Parameters that stand alone must be compared with each
    other somewhere behind the endpoint. Quiet are models that no sample fills, identifiers (`from_account`), times of
    the day, a century where an end may be left open, and filters in a query of which neither end has to be given:
    exchanged they find nothing, and that is all.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        from ...runtime import schemas as models  # noqa: PLC0415 - a service that starts has no use for it
        from ...runtime.routes import dependants  # noqa: PLC0415 - a project without FastAPI has the other guards

        judged: set[tuple[type, str]] = set()
        routes = own_endpoints(project)
        for route in routes:
            for dependant in dependants(route):
                asked = [each.field_info for each in dependant.query_params]
                sent = [each.field_info for each in dependant.body_params]
                for info in (*asked, *sent):
                    for model, found in self._ranges(info.annotation, filters=info in asked):
                        problem = (model, found.upper) not in judged and models.range_problem(model, found)
                        judged.add((model, found.upper))
                        if problem:
                            yield self.finding(
                                f"{model.__name__} {problem}: refuse it in the model, so that {route.called} answers 422",
                                models.location_of_field(model, found.upper, project.config.root),
                                f"{model.__name__}.{found.upper}",
                            )
                alone = {each.name: each.field_info for each in dependant.query_params}
                for found in models.pairs({name: info.annotation for name, info in alone.items()}):
                    if not any(alone[each].is_required() for each in (found.lower, found.upper)):
                        continue
                    function = function_of(project, dependant.call)
                    if function and not self._compared(project, function, found.lower, found.upper):
                        yield self.finding(
                            f"{route.called} takes any {found.lower} with any {found.upper}, and nothing behind it "
                            "compares them: refuse an end before the start, and a range that is too long",
                            location_of(dependant.call, project),
                            f"{route.called} {found.upper}",
                        )

    @staticmethod
    def _ranges(annotation: object, *, filters: bool) -> Iterator[tuple[Any, Any]]:
        """The models in an annotation, with their ranges; of filters, those with an end that has to be given."""
        from ...runtime import schemas as models  # noqa: PLC0415 - a service that starts has no use for it

        for model in models.models_of(annotation):
            fields = model.model_fields
            for found in models.pairs({name: field.annotation for name, field in fields.items()}):
                if not filters or fields[found.lower].is_required() or fields[found.upper].is_required():
                    yield model, found

    @staticmethod
    def _compared(project: Project, function: Function, lower: str, upper: str) -> bool:
        """Whether the two are compared or subtracted, or handed to what may do so and cannot be seen into."""
        pending, seen = [(function, lower, upper)], set()
        while pending:
            here, low, high = pending.pop()
            if (here.name, low, high) in seen:
                continue
            seen.add((here.name, low, high))
            lows, highs = here.spread([low]), here.spread([high])
            for node in ast.walk(here.node):
                if isinstance(node, (ast.Compare, ast.BinOp)):
                    sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else [node.left, node.right]
                    names = [plain_names(each) for each in sides]
                    if any(lows & each for each in names) and any(highs & each for each in names):
                        return True
            for use in here.uses:
                given = [*use.node.args, *(each.value for each in use.node.keywords)]
                if not all(any(here.is_brought(each, names) for each in given) for names in (lows, highs)):
                    continue
                other = project.call_graph.called(use)
                if other is None:
                    if use.name.startswith(project.config.package):
                        return True  # a class, such as a model that has the rules
                    continue
                below = [project.call_graph.handed_on(use, other, here, names) for names in (lows, highs)]
                if below[0] and below[1]:
                    pending.append((other, below[0][0], below[1][0]))
        return False
