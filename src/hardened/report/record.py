"""The record of one run, and the phrases that every format has in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..model import Confidence, Finding, Severity

PAGES = ""
"""Address of the folder `rules/` in the published documentation, with a slash at the end.

Where it is empty, the pages are named as they lie in the installed tool.
"""


@dataclass(frozen=True)
class Skipped:
    """A rule that gave no judgement, or only half of one, and why."""

    code: str
    reason: str


@dataclass(frozen=True)
class RuleSummary:
    """A rule that was asked.

    Attributes:
        page: the file of its whole story.
        common_subjects: see `Rule`.
    """

    code: str
    title: str
    page: Path
    since: str = ""
    severity: Severity = Severity.ERROR
    confidence: Confidence = Confidence.CERTAIN
    common_subjects: bool = False

    @property
    def published(self) -> bool:
        """Check that the page has an address which others can open."""
        return bool(PAGES)

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"{PAGES}{self.page.parent.name}/{self.page.name}" if PAGES else self.page.as_uri()


@dataclass(frozen=True)
class Report:
    """The record of one run.

    Attributes:
        findings: everything that is neither accepted nor in the baseline, in the order of files and lines.
        accepted: the findings that an acceptance matches, with its reason.
        known: the findings that the baseline has.
        gone: entries of the baseline that match nothing any more.
        unused: those of `findings` that name an acceptance which matches nothing any more.
        not_applicable: rules that have nothing to judge in this project.
        could_not_look: rules of which a fact could not be gathered; their silence means nothing.
        notes: what the run assumed, one line each.
        rules: the rules that were asked.
    """

    findings: tuple[Finding, ...] = ()
    accepted: tuple[tuple[Finding, str], ...] = ()
    known: tuple[Finding, ...] = ()
    gone: tuple[str, ...] = ()
    unused: frozenset[Finding] = frozenset()
    not_applicable: tuple[Skipped, ...] = ()
    could_not_look: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    rules: tuple[RuleSummary, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the rules that were asked."""
        return tuple(rule.code for rule in self.rules)

    @property
    def failing(self) -> tuple[Finding, ...]:
        """The findings that fail the run."""
        return tuple(each for each in self.findings if fails(each))

    @property
    def status(self) -> int:
        """Exit status: 0 nothing fails, 1 findings, 2 none, but not everything could be looked at."""
        return 1 if self.failing else 2 if self.could_not_look else 0


def fails(finding: Finding) -> bool:
    """Check that a finding is an error and certain."""
    return finding.severity is Severity.ERROR and finding.confidence is Confidence.CERTAIN


def sentence(finding: Finding) -> str:
    """Message, hint and code on one line."""
    return f"{'; '.join(filter(None, (finding.message, finding.hint)))} ({finding.code})"


def by_reason(skipped: Iterable[Skipped]) -> dict[str, list[str]]:
    """The codes of the rules that one reason concerns, each reason once."""
    reasons: dict[str, list[str]] = {}
    for each in skipped:
        codes = reasons.setdefault(each.reason, [])
        if each.code not in codes:
            codes.append(each.code)
    return reasons
