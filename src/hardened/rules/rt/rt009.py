"""RT009: the text of an exception in a response."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...model import CouldNotLook, DoesNotApply, Finding, Location, Rule, one_line
from ...project import Project
from ...source.call_graph import Function
from ._endpoints import (
    full_name,
    function_of,
    is_of,
)


class RT009(Rule):
    """The text of an exception in a response.

    In an `except` block, or a function that handles exceptions of the application: `str(error)`, `f"{error}"`,
    `repr(error)`, `error.args`, `traceback.format_exc()` in an HTTPException, a response, a message on a websocket, or what
    the endpoint returns, directly or through a function or exception of the project that becomes a response.
    `FastAPI(debug=True)` shows whole tracebacks.

    Quiet are exceptions of the project itself and `ValueError`, since somebody wrote their texts for whoever reads
    them; what repeats only what was sent (validation, JSON); and what stands under a condition on debugging.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        from ...source.shown import Shown  # noqa: PLC0415 - a service that starts has no use for it

        endpoints: list[Function] = []
        handlers: dict[Function, str] = {}
        registered: list[str] = []
        try:
            endpoints = [each for route in project.routes if (each := function_of(project, route.endpoint))]
            for application in project.applications:
                for kind, handler in getattr(application.served, "exception_handlers", {}).items():
                    name = full_name(kind)
                    if isinstance(kind, type) and is_of(kind, project.config.package):
                        registered.append(name)
                    if function := function_of(project, handler):
                        handlers[function] = name
        except (CouldNotLook, DoesNotApply):
            pass  # source says most of it
        shown = Shown(project.call_graph, registered)
        for location, text in (*shown.in_handlers(endpoints), *shown.in_functions(handlers)):
            yield self.finding(
                f"the response shows {one_line(text, 60)}, what an exception says: paths, statements, addresses; "
                "log it, and answer with a text of your own",
                location,
            )
        for use in project.source.uses:
            debug = use.argument("debug")
            makes = use.name in ("fastapi.FastAPI", "starlette.applications.Starlette")
            if makes and isinstance(debug, ast.Constant) and debug.value is True:
                message = "debug=True answers each error with its traceback; take it from a setting"
                yield self.finding(message, Location(use.location.file, debug.lineno))
