"""Judgements on imports that several rules of the family share."""

from __future__ import annotations

from ...model import DoesNotApply, Location
from ...packaging.declared import Declared
from ...source.tree import Source


def require_declarations(declared: Declared) -> None:
    """Raise DoesNotApply where nothing is declared for the service."""
    if not declared.needed:
        raise DoesNotApply("neither pyproject.toml nor a requirement file declares a dependency")


def is_tried(source: Source, location: Location) -> bool:
    """Return whether a line stands in a `try` or `with` that handles a failing import."""
    file = source.files.get(location.file or "")
    return file is not None and any(location.line in lines for lines in file.tried_imports)
