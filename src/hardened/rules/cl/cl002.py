"""CL002: a client that does not state the version of the API that it is written for."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from ...config.table import Config
from ...model import Finding, Location, NotConfigured, Rule
from ...records.imports import Failure
from ...source.call_graph import CallGraph
from ...source.nodes import walk
from ...source.symbols import FUNCTIONS

NO_VERSIONS = {"latest", "newest", "current", "auto", "any"}


class CL002(Rule):
    """A client that does not state the version of the API that it is written for.

    `client-base` names the class that clients derive from. Each class below it that is used, that is to say has no
    classes below it itself, must have a `version` that is written down: an empty one, `latest`, one that is read from
    elsewhere when the class is made, and one that is assigned later are none.
    Quiet are: a version that a class between inherits, an f-string or a name of a constant, an Enum's member, and a
    class in between that leaves it to those below.
    """

    def check(
        self, config: Config, call_graph: CallGraph, failures: Sequence[Failure] | None = None
    ) -> Iterator[Finding]:
        if not config.client_base:
            raise NotConfigured("no `client-base` in [tool.hardening]")
        classes = call_graph.classes
        base = call_graph.canonical(config.client_base)
        below = {name: call_graph.bases(kind) for name, kind in classes.items() if name != base}
        clients = {name: bases for name, bases in below.items() if base in bases}
        reported = set()
        for name in clients:
            node, location = classes[name].node, classes[name].location
            line = (name, *(each for each in clients[name] if each in clients))
            values = [value for each in line for value in _versions(classes[each].node)]
            used = not any(name in bases for bases in clients.values())
            reason = _no_version(values[0]) if values else f"{node.name} states no version"
            if used and reason:
                reported.add(location)
                yield self.finding(
                    f"{reason}, so it has to be found out by asking, and each try that is wrong is an error in the log",
                    location,
                    node.name,
                    hint='write the one that it is made for: version = "v1"',
                )
            for each in walk(node):
                if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store) and each.attr == "version":
                    yield self.finding(
                        f"{node.name} changes its version while it runs",
                        Location(location.file, each.lineno),
                        node.name,
                        hint="state one, and let who asks for another API have a client of its own",
                    )
        for failure in failures or ():
            if failure.code == self.__class__.__name__ and failure.location not in reported:
                yield self.finding(failure.message.removesuffix(" (CL002)"), failure.location, failure.module)


def _versions(node: ast.ClassDef) -> Iterator[ast.expr]:
    """The values that a class's body gives `version`."""
    for each in node.body:
        targets = each.targets if isinstance(each, ast.Assign) else [getattr(each, "target", None)]
        if isinstance(each, (ast.Assign, ast.AnnAssign)) and each.value is not None:
            if any(getattr(target, "id", "") == "version" for target in targets):
                yield each.value
        elif isinstance(each, FUNCTIONS) and each.name == "version":
            yield ast.Call(ast.Name(each.name), [], [])


def _no_version(node: ast.expr) -> str:
    """Return the problem of a stated version; "" where there is none."""
    if isinstance(node, ast.Constant):
        value = str(node.value or "").strip()
        if not value:
            return "the version is empty"
        return f'the version "{value}" is another one tomorrow' if value.lower() in NO_VERSIONS else ""
    asked = [each for each in walk(node) if isinstance(each, (ast.Call, ast.Subscript))]
    return f"the version is whatever {ast.unparse(node)} says" if asked else ""
