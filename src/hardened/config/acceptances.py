"""Acceptances: findings that stay, each with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..model import Finding
from .errors import ConfigError

_KEYS = ("code", "where", "reason")
_HEADER = re.compile(r"\s*\[\[\s*tool\.hardening\.accepted\s*\]\]")


@dataclass(frozen=True)
class Acceptance:
    """One finding that stays.

    Attributes:
        code: of the failure.
        where: the finding's whole file, its whole subject, or both as `file: subject`.
        reason: of the owner.
        line: of the entry in pyproject.toml, where it can be told.
    """

    code: str
    where: str
    reason: str
    line: int | None = None

    def matches(self, finding: Finding) -> bool:
        file, subject = finding.location.file, finding.subject
        return self.code == finding.code and self.where in (file, subject, f"{file}: {subject}")


def read_acceptances(value: object, text: str) -> tuple[Acceptance, ...]:
    """Read the value of `accepted`, and the lines of its entries from the text of the file.

    Raises:
        ConfigError: an entry lacks its code, its place or its reason, or has more than these.
    """
    if not isinstance(value, list):
        raise ConfigError(f"accepted is {value!r}; it must be tables: [[tool.hardening.accepted]]")
    headers = [number for number, line in enumerate(text.splitlines(), 1) if _HEADER.match(line)]
    entries = []
    for index, entry in enumerate(value):
        if not isinstance(entry, Mapping) or set(entry) - set(_KEYS):
            raise ConfigError(f"accepted has an entry {entry!r}; it must have code, where and reason alone")
        for key in _KEYS:
            if not isinstance(entry.get(key), str) or not entry[key].strip():
                raise ConfigError(f"accepted has an entry {entry!r} with no {key}; write one")
        line = headers[index] if len(headers) == len(value) else None
        entries.append(Acceptance(entry["code"], entry["where"], entry["reason"], line))
    return tuple(entries)


def accept(
    findings: Iterable[Finding], acceptances: Iterable[Acceptance]
) -> tuple[list[Finding], list[tuple[Finding, Acceptance]]]:
    """Separate findings into those that stay open, and those that an acceptance matches."""
    entries = tuple(acceptances)
    still_open: list[Finding] = []
    accepted: list[tuple[Finding, Acceptance]] = []
    for finding in findings:
        entry = next((each for each in entries if each.matches(finding)), None)
        if entry:
            accepted.append((finding, entry))
        else:
            still_open.append(finding)
    return still_open, accepted
