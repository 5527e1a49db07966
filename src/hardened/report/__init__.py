"""The report of a run, for people and for programs."""

from __future__ import annotations

from collections.abc import Callable

from . import document, github, sarif, text
from .record import Report, RuleSummary, Skipped, by_reason, fails, sentence

__all__ = ["FORMATS", "Report", "RuleSummary", "Skipped", "by_reason", "fails", "render", "sentence"]

FORMATS: dict[str, Callable[[Report], str]] = {
    "text": text.render,
    "json": document.render,
    "github": github.render,
    "sarif": sarif.render,
}


def render(report: Report, format: str = "text") -> str:  # noqa: A002 - the name of the option
    """Render a report in one of the formats."""
    return FORMATS[format](report)
