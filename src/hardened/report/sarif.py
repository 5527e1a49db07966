"""SARIF 2.1.0, which code scanning reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .. import __version__
from ..config.baseline import fingerprint
from ..config.discovery import FILE
from ..model import Confidence, Finding, Location, Severity
from .record import Report, RuleSummary, by_reason

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(report: Report) -> str:
    """Render a report as SARIF; accepted findings and those of the baseline are suppressed or unchanged results."""
    index = {rule.code: position for position, rule in enumerate(report.rules)}
    # The state of a result is told of all of them or of none.
    compared = bool(report.known or report.gone)
    new, unchanged = ({"baselineState": state} if compared else {} for state in ("new", "unchanged"))
    results = [
        *(_result(each, index) | new for each in report.findings),
        *(_result(each, index) | unchanged for each in report.known),
        *(
            _result(each, index) | unchanged | {"suppressions": [{"kind": "external", "justification": reason}]}
            for each, reason in report.accepted
        ),
    ]
    run = {
        "tool": {
            "driver": {"name": "hardened", "version": __version__, "rules": [_rule(rule) for rule in report.rules]}
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not report.could_not_look,
                "exitCode": report.status,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": f"could not look: {', '.join(codes)}: {reason}"}}
                    for reason, codes in by_reason(report.could_not_look).items()
                ],
            }
        ],
        "results": results,
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: RuleSummary) -> dict[str, Any]:
    page = rule.page.read_text(encoding="utf-8")
    made: dict[str, Any] = {
        "id": rule.code,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.title},  # GitHub requires both
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": _level(rule.severity, rule.confidence)},
    }
    # A page of the installed tool has no address that another machine could open; its text is in `help`.
    return made | {"helpUri": rule.url} if rule.published else made


def _result(finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "ruleId": finding.code,
        "level": _level(finding.severity, finding.confidence),
        "message": {"text": "; ".join(filter(None, (finding.message, finding.hint)))},
        "locations": [{"physicalLocation": _place(finding.location)}],
        "partialFingerprints": {"hardened/v1": fingerprint(finding)},
    }
    return made | {"ruleIndex": index[finding.code]} if finding.code in index else made


def _place(location: Location) -> dict[str, Any]:
    # Code scanning shows no result without a file.
    file = Path(location.file or FILE)
    artifact = (
        {"uri": file.as_uri()} if file.is_absolute() else {"uri": quote(file.as_posix()), "uriBaseId": "%SRCROOT%"}
    )
    return {"artifactLocation": artifact} | ({"region": {"startLine": location.line}} if location.line else {})


def _level(severity: Severity, confidence: Confidence) -> str:
    if confidence is Confidence.POSSIBLE:
        return "note"
    return "error" if severity is Severity.ERROR else "warning"
