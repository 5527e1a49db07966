"""JSON for programs: the documented and versioned form of a report; `schema.json` beside this file is made from these classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from .. import __version__
from ..model import Confidence, Finding, Severity
from .record import Report, RuleSummary, by_reason, fails

VERSION = 1
"""Raised when a field goes or changes its meaning; new fields may come without."""
SCHEMA = Path(__file__).with_name("schema.json")


class Tool(msgspec.Struct):
    """The tool that wrote the report."""

    name: str
    version: str


class Rule(msgspec.Struct):
    """A rule that was asked."""

    code: str
    title: str
    severity: Severity
    confidence: Confidence
    since: Annotated[str, Meta(description="Release of the tool that brought the rule.")]
    url: Annotated[str, Meta(description="Address of its page.")]


class Entry(msgspec.Struct):
    """A finding."""

    code: str
    severity: Severity
    confidence: Confidence
    fails: Annotated[bool, Meta(description="It makes the exit status 1: it is an error, certain and new.")]
    message: Annotated[str, Meta(description="What is wrong, on one line.")]
    hint: Annotated[str, Meta(description="What to do about it; empty where the message has it.")]
    file: Annotated[str | None, Meta(description="Relative to the project's folder where it lies in it.")]
    line: int | None
    subject: Annotated[str, Meta(description="Another name by which it can be accepted, as `orders.customer_id`.")]
    url: Annotated[str, Meta(description="Address of the rule's page.")]


class Accepted(msgspec.Struct):
    """A finding that stays, and why."""

    finding: Entry
    reason: str


class Unjudged(msgspec.Struct):
    """Rules that gave no judgement, or only half of one, for one reason."""

    reason: str
    codes: list[str]


class Baseline(msgspec.Struct):
    """The part of a baseline in the run."""

    known: Annotated[list[Entry], Meta(description="Findings that it has.")]
    gone: Annotated[list[str], Meta(description="Its entries that match nothing any more.")]


class Document(msgspec.Struct):
    """The report of one run of `hardened check`."""

    version: Annotated[int, Meta(description="Version of this form.", ge=1)]
    tool: Tool
    status: Annotated[
        int,
        Meta(description="Exit status: 0 nothing fails, 1 findings, 2 none, but not all was looked at.", ge=0, le=2),
    ]
    findings: list[Entry]
    accepted: list[Accepted]
    baseline: Baseline
    not_applicable: Annotated[list[Unjudged], Meta(description="The project has nothing for these rules to judge.")]
    could_not_look: Annotated[list[Unjudged], Meta(description="A fact could not be gathered: silence means nothing.")]
    notes: Annotated[list[str], Meta(description="What the run assumed.")]
    rules: list[Rule]


def render(report: Report) -> str:
    """Render a report as JSON."""
    return msgspec.json.format(msgspec.json.encode(document(report)), indent=2).decode() + "\n"


def document(report: Report) -> Document:
    """The JSON form of a report."""
    rules = {each.code: each for each in report.rules}
    return Document(
        version=VERSION,
        tool=Tool("hardened", __version__),
        status=report.status,
        findings=[_entry(each, rules, fails(each)) for each in report.findings],
        accepted=[Accepted(_entry(each, rules), reason) for each, reason in report.accepted],
        baseline=Baseline([_entry(each, rules) for each in report.known], list(report.gone)),
        not_applicable=[Unjudged(reason, codes) for reason, codes in by_reason(report.not_applicable).items()],
        could_not_look=[Unjudged(reason, codes) for reason, codes in by_reason(report.could_not_look).items()],
        notes=list(report.notes),
        rules=[
            Rule(each.code, each.title, each.severity, each.confidence, each.since, each.url) for each in report.rules
        ],
    )


def schema() -> str:
    """The JSON schema of the form, as `schema.json` has it."""
    made: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Document)}
    return json.dumps(made, indent=2) + "\n"


def _entry(finding: Finding, rules: dict[str, RuleSummary], failing: bool = False) -> Entry:
    rule = rules.get(finding.code)
    return Entry(
        finding.code,
        finding.severity,
        finding.confidence,
        failing,
        finding.message,
        finding.hint,
        finding.location.file,
        finding.location.line,
        finding.subject,
        rule.url if rule else "",
    )
