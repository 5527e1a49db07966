"""What several rules of the family share."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model import CouldNotLook
from ...project import Project
from ...source.names import FUNCTIONS

if TYPE_CHECKING:
    from ...external.tools import Lint


_CONSTRUCTORS = ("__init__", "__post_init__", "__new__", "model_post_init", "__attrs_post_init__")


def _own(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, without those of functions inside of it."""
    pending = list(ast.iter_child_nodes(function))
    while pending:
        each = pending.pop()
        yield each
        if not isinstance(each, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
            pending += ast.iter_child_nodes(each)


def _lint(project: Project, code: str) -> tuple[list[Lint], CouldNotLook | None]:
    """What ruff finds; where it could not look, why: what does not need it is told all the same."""
    try:
        return project.lint[code], None
    except CouldNotLook as reason:
        return [], reason
