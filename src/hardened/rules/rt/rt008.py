"""RT008: a response that shows whatever it is given, or a secret."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...model import Finding, Rule, one_line
from ...project import Project
from ...records import Route
from ...source.call_graph import Function, mentions
from ._endpoints import (
    called,
    dotted,
    function_of,
    is_response,
    is_written_out,
    own_endpoints,
    secret_key,
)


class RT008(Rule):
    """A response that shows whatever it is given, or a secret.

    A response without a model (or of `Any`, a bare `dict`) shows each field that the object has, those of tomorrow
    too; so does `JSONResponse(row.__dict__)`. Quiet are responses made by hand, those that are written out as constants,
    attributes and conversions, and endpoints that give nothing.

    A text in a response's model that is a secret by its name (`password_hash`, `api_key`, `reset_token`), unless it is a
    `SecretStr`, excluded, or the endpoint has one of the decorators that `secret-responses` names, for what is
    shown once and on purpose.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        from ...runtime import schemas as models  # noqa: PLC0415 - a service that starts has no use for it

        declared = {dotted(project, each) for each in project.config.secret_responses}
        told: set[tuple[object, str]] = set()
        for route in own_endpoints(project):
            context = route.context
            if not hasattr(context, "response_model"):
                continue  # Starlette's own, which make their responses by hand
            function = function_of(project, route.endpoint)
            if context.response_model is None or models.shows_everything(context.response_model):
                yield from self._raw(route, function, project)
            yield from self._by_hand(route, function)
            decorators = function.node.decorator_list if function else []
            if any(function and function.names.meaning(each) in declared for each in decorators):
                continue
            hidden = set(context.response_model_exclude or ())
            only = context.response_model_include
            for model, name in models.secret_fields(context.response_model, hidden):
                if (model, name) not in told and (not only or name in only):
                    told.add((model, name))
                    yield self.finding(
                        f"{route.called} answers with {model.__name__}.{name}, a secret by its name; take it out of the "
                        "model, or mark the endpoint as one that shows it on purpose",
                        models.location_of_field(model, name, project.config.root),
                        f"{model.__name__}.{name}",
                    )

    def _raw(self, route: Route, function: Function | None, project: Project) -> Iterator[Finding]:
        from fastapi.datastructures import DefaultPlaceholder  # noqa: PLC0415 - as it is where routes are

        own_class = getattr(route.context, "response_class", None)
        made = not isinstance(own_class, DefaultPlaceholder) and "JSON" not in called(own_class)
        if function is None or made or getattr(route.context, "is_sse_stream", False):
            return
        if is_response(function.names.instance(function.node.returns)):
            return
        for value in function.returned:
            secret = secret_key(value)
            if secret or not is_written_out(value, function, project):
                what = (
                    f"a {secret!r}, a secret by its name"
                    if secret
                    else f"whatever {one_line(ast.unparse(value), 60)} holds"
                )
                yield self.finding(
                    f"{route.called} has no model of its response, and answers with {what}; annotate what it returns "
                    "with a model of what may be seen",
                    route.location,
                    route.called,
                )
                return

    def _by_hand(self, route: Route, function: Function | None) -> Iterator[Finding]:
        for use in function.uses if function else ():
            if use.last.endswith("JSONResponse") and use.name.startswith(("fastapi.", "starlette.")):
                everything = mentions(use.node, ["__dict__"]) or any(
                    isinstance(each, ast.Call) and getattr(each.func, "id", "") == "vars" for each in ast.walk(use.node)
                )
                if everything:
                    yield self.finding(
                        f"{route.called} answers with all attributes of an object; make a model of what may be seen",
                        use.location,
                        route.called,
                    )
