"""RT009: the text of an exception in a response."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from ...config.table import Config
from ...model import Finding, Location, Rule, one_line
from ...records.routes import Application, Route
from ...source.call_graph import CallGraph, Function
from ...source.disclosures import Disclosures
from ...source.tree import Source
from ._endpoints import function_of


class RT009(Rule):
    """The text of an exception in a response.

    In an `except` block, or a function that handles exceptions of the application: `str(error)`, `f"{error}"`,
    `repr(error)`, `error.args`, `traceback.format_exc()` in an HTTPException, a response, a message on a websocket, or what
    the endpoint returns, directly or through a function or exception of the project that becomes a response.
    `FastAPI(debug=True)` shows whole tracebacks.

    Quiet are exceptions of the project itself and `ValueError`, since somebody wrote their texts for whoever reads
    them; what repeats only what was sent (validation, JSON); and what stands under a condition on debugging.
    """

    def check(
        self,
        source: Source,
        call_graph: CallGraph,
        config: Config,
        # The source by itself says most of it.
        routes: Sequence[Route] | None = None,
        applications: Sequence[Application] | None = None,
    ) -> Iterator[Finding]:
        endpoints = [each for route in routes or () if (each := function_of(route.endpoint, call_graph))]
        registered = [each for application in applications or () for each in application.exception_handlers]
        handlers: dict[Function, str] = {}
        for handler in registered:
            if function := function_of(handler.function, call_graph):
                handlers[function] = handler.exception
        own = [each.exception for each in registered if each.exception.startswith(f"{config.package}.")]
        disclosures = Disclosures(call_graph, own)
        for location, text in (*disclosures.in_handlers(endpoints), *disclosures.in_functions(handlers)):
            yield self.finding(
                f"the response shows {one_line(text, 60)}, what an exception says: paths, statements, addresses",
                location,
                hint="log it, and answer with a text of your own",
            )
        for use in source.uses:
            debug = use.argument("debug")
            makes = use.name in ("fastapi.FastAPI", "starlette.applications.Starlette")
            if makes and isinstance(debug, ast.Constant) and debug.value is True:
                location = Location(use.location.file, debug.lineno)
                message = "debug=True answers each error with its traceback"
                yield self.finding(message, location, hint="take it from a setting")
