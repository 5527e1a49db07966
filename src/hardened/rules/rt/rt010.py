"""RT010: any website may call the service with its visitors' cookies."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from ...model import NOWHERE, Finding, Location, Rule
from ...records.routes import Application, Cors
from ...source.call_graph import CallGraph
from ...source.nodes import walk
from ...source.tree import Source

#: Origins that nobody has named.
STRANGERS = ("https://stranger.example", "http://zz.test:8123", "https://a-b.c.invalid")


class RT010(Rule):
    """Any website may call the service with its visitors' cookies.

    CORS with credentials for every origin: `*`, or a pattern that fits any address, since Starlette then answers with
    the origin that asked; or a response that is given `Access-Control-Allow-Origin` from the request beside
    `Access-Control-Allow-Credentials`. Quiet are `*` without credentials, named origins, and an origin that is
    looked up before it is repeated.
    """

    def check(self, applications: Sequence[Application], source: Source, call_graph: CallGraph) -> Iterator[Finding]:
        for application in applications:
            for middleware in application.middleware:
                if middleware.cors and (anybody := _any_origin(middleware.cors)):
                    yield self.finding(
                        f"CORS lets {anybody} in with credentials, so any website acts as its visitors",
                        _added(source, middleware.name),
                        "CORS",
                        hint="name the origins",
                    )
        allowing = {
            table for table in source.own if any(_allows_credentials(node) for node, _ in table.nodes(ast.Constant))
        }
        for function in call_graph.every:
            if function.names in allowing and (line := _echoes_origin(function.node)):
                yield self.finding(
                    "the origin that asks is repeated as one that may use credentials",
                    Location(function.location.file, line),
                    function.node.name,
                    hint="look it up in a list first",
                )


def _any_origin(cors: Cors) -> str:
    """Description of the setting that lets any origin in with credentials; empty where none does."""
    if not cors.credentials:
        return ""
    if "*" in cors.origins:
        return "every origin (*)"
    pattern = cors.origin_regex
    if pattern is not None and all(re.fullmatch(pattern, each) for each in STRANGERS if _scheme_fits(pattern, each)):
        return f"every origin ({pattern})"
    return ""


def _scheme_fits(pattern: str, origin: str) -> bool:
    """Decide whether a pattern is about this scheme at all: one for https alone is judged by origins of https."""
    schemes = set(re.findall(r"\bhttps?\b", pattern))
    plain = "http" in schemes or "https?" in pattern or not schemes
    return plain or origin.startswith("https")


def _added(source: Source, name: str) -> Location:
    """The first line that adds a middleware of this name."""
    tables = {table.module: table for table in source.own}
    for use in source.uses:
        given = ""
        if use.last in ("add_middleware", "Middleware"):
            argument = use.node.args[0] if use.node.args else use.argument("middleware_class")
            given = tables[use.module].meaning(argument)
        if name in (use.last, given.rpartition(".")[2]):
            return use.location
    return NOWHERE


def _allows_credentials(node: ast.Constant) -> bool:
    return str(node.value).lower() == "access-control-allow-credentials"


def _echoes_origin(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The line in which a function repeats an origin that it looks up nowhere, beside credentials; 0 for none."""
    texts = {
        each.value.lower() for each in walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }
    if not {"access-control-allow-origin", "access-control-allow-credentials"} <= texts:
        return 0
    if any(isinstance(each, ast.Compare) and "origin" in ast.unparse(each).lower() for each in walk(node)):
        return 0
    for each in walk(node):
        pairs: list[tuple[ast.expr | None, ast.expr]] = []
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Subscript):
            pairs = [(each.targets[0].slice, each.value)]
        elif isinstance(each, ast.Dict):
            pairs = list(zip(each.keys, each.values, strict=True))
        for key, value in pairs:
            header = key.value if isinstance(key, ast.Constant) else None
            is_origin = isinstance(header, str) and header.lower() == "access-control-allow-origin"
            anybody = value.value == "*" if isinstance(value, ast.Constant) else "origin" in ast.unparse(value).lower()
            if is_origin and anybody:
                return value.lineno
    return 0
