"""Findings of external linters."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Location


@dataclass(frozen=True)
class Diagnostic:
    """One finding of a linter. `rule` is the linter's own code for it."""

    rule: str
    message: str
    location: Location
