"""What several rules of the family share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...model import CouldNotLook
from ...project import Project

if TYPE_CHECKING:
    from ...records.diagnostics import Diagnostic


_CONSTRUCTORS = ("__init__", "__post_init__", "__new__", "model_post_init", "__attrs_post_init__")


def _lint(project: Project, code: str) -> tuple[Sequence[Diagnostic], CouldNotLook | None]:
    """What ruff finds; where it could not look, why: what does not need it is told all the same."""
    try:
        return project.lint[code], None
    except CouldNotLook as reason:
        return [], reason
