"""Annotations of a pull request: GitHub's workflow commands."""

from __future__ import annotations

from ..model import Confidence, Finding, Severity
from .record import Report, by_reason, sentence


def render(report: Report) -> str:
    """Render a report as workflow commands; of what was not looked at, only what should have been."""
    lines = []
    for each in report.findings:
        values = {"file": each.location.file, "line": each.location.line, "title": each.code}
        properties = ",".join(f"{key}={_property(value)}" for key, value in values.items() if value)
        lines.append(f"::{_command(each)} {properties}::{_data(sentence(each))}")
    for reason, codes in by_reason(report.could_not_look).items():
        lines.append(f"::error title={_property(', '.join(codes))}::could not look: {_data(reason)}")
    lines += [f"::notice title=hardened::{_data(note)}" for note in report.notes]
    return "".join(f"{line}\n" for line in lines)


def _command(finding: Finding) -> str:
    if finding.confidence is Confidence.POSSIBLE:
        return "notice"
    return "warning" if finding.severity is Severity.WARNING else "error"


def _data(text: object) -> str:
    return str(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: object) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
