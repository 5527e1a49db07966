"""Judgements on imports that several rules of the family share."""

from __future__ import annotations

import ast

from ...model import DoesNotApply, Location
from ...packaging.declared import Declared
from ...source.tree import Source


def require_declarations(declared: Declared) -> None:
    """Raise DoesNotApply where nothing is declared for the service."""
    if not declared.needed:
        raise DoesNotApply("neither pyproject.toml nor a requirement file declares a dependency")


def is_tried(source: Source, location: Location) -> bool:
    """Return whether a line stands in a `try` or `with` that handles a failing import."""
    file, line = source.files.get(location.file or ""), location.line or 0
    for node in ast.walk(file.tree) if file and file.tree else ():
        handled: list[ast.expr] = []
        if isinstance(node, ast.Try) and node.lineno <= line <= (node.body[-1].end_lineno or 0):
            handled = [each.type for each in node.handlers if each.type]
        elif isinstance(node, ast.With) and node.lineno <= line <= (node.end_lineno or 0):
            handled = [each.context_expr for each in node.items if isinstance(each.context_expr, ast.Call)]
        names = {each.id for one in handled for each in ast.walk(one) if isinstance(each, ast.Name)}
        if names & {"ImportError", "ModuleNotFoundError"}:
            return True
    return False
