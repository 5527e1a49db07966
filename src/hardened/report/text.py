"""Text for people: findings by file, what can be done about them, and what was not looked at."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator

from ..model import Confidence, Finding, Severity
from .record import Report, by_reason, sentence

_ACCEPTANCES = 3
"""Acceptances that are printed; more would hide the findings, and a baseline is the better way."""


def render(report: Report) -> str:
    """Render a report as text."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield from (f"{each.location}: {_weight(each)}{sentence(each)}" for each in report.findings)
    if report.findings:
        yield from ("", *_pages(report), *_acceptances(report), "")
    yield from report.notes
    yield _summary(report)
    if report.gone:
        yield f"no finding matches {_count(len(report.gone), 'entry', 'entries')} of the baseline any more; write it again:"
        yield from (f"  {each}" for each in report.gone)
    for label, skipped in (("not checked", report.not_applicable), ("could not look", report.could_not_look)):
        yield from (f"{label}: {', '.join(codes)}: {reason}" for reason, codes in by_reason(skipped).items())


def _weight(finding: Finding) -> str:
    if finding.confidence is Confidence.POSSIBLE:
        return "possible: "
    return "warning: " if finding.severity is Severity.WARNING else ""


def _summary(report: Report) -> str:
    unjudged = {each.code for each in (*report.not_applicable, *report.could_not_look)}
    looked = len(set(report.codes) - unjudged)
    parts = [f"{_count(len(report.findings), 'finding')} from {_count(looked, 'rule')}"]
    if others := len(report.findings) - len(report.failing):
        parts.append(f"{others} of them only shown")
    if report.known:
        parts.append(f"{len(report.known)} in the baseline")
    parts.append(f"{len(report.accepted)} accepted with a reason")
    return ", ".join(parts)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def _pages(report: Report) -> Iterator[str]:
    codes = {each.code for each in report.findings}
    found = [rule for rule in report.rules if rule.code in codes]
    if published := [rule for rule in found if rule.published]:
        yield from (f"{rule.code}: hardened explain {rule.code}, or {rule.url}" for rule in published)
    elif found:
        yield f"The whole story of each: hardened explain {', '.join(rule.code for rule in found)}"


def _where(finding: Finding, common: Container[str]) -> str:
    """The place of an acceptance: as narrow as the finding."""
    file = finding.location.file or ""
    if finding.code in common and file and finding.subject:
        return f"{file}: {finding.subject}"
    return finding.subject or file


def _acceptances(report: Report) -> Iterator[str]:
    common = {rule.code for rule in report.rules if rule.common_subjects}
    entries = {
        (each.code, where): None
        for each in report.findings
        if each not in report.unused and (where := _where(each, common))
    }
    if not entries:
        return
    yield "A finding that has to stay is accepted in pyproject.toml, with its reason:"
    for code, where in list(entries)[:_ACCEPTANCES]:
        # JSON's texts are TOML's, but for the pairs of escapes that it writes for what is beyond 16 bits.
        written = json.dumps(where, ensure_ascii=False)
        yield from ("[[tool.hardening.accepted]]", f'code = "{code}"', f"where = {written}", 'reason = ""')
    if (more := len(entries) - _ACCEPTANCES) > 0:
        yield f"and {more} more in the same way; for many at once: --write-baseline FILE, then --baseline FILE"
