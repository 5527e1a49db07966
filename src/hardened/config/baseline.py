"""Baseline: the findings that a project has already, so that only new ones fail."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from ..model import Finding
from .errors import ConfigError

_VERSION = 1
_LINE = re.compile(r"(?<=:)\d+|(?<=\bline )\d+")


@dataclass(frozen=True, order=True)
class Entry:
    """Findings that are the same wherever their lines move.

    Attributes:
        mark: the subject; where there is none, the message without its numbers of lines.
    """

    code: str
    file: str
    mark: str

    @classmethod
    def of(cls, finding: Finding) -> Entry:
        return cls(finding.code, finding.location.file or "", finding.subject or _LINE.sub("", finding.message))

    def __str__(self) -> str:
        return f"{self.code} {self.file}: {self.mark}"


def fingerprint(finding: Finding) -> str:
    """A short text that stays the same while the finding's line moves."""
    entry = Entry.of(finding)
    return hashlib.sha256("\0".join((entry.code, entry.file, entry.mark)).encode()).hexdigest()[:32]


def read_baseline(path: Path) -> Counter[Entry]:
    """Read a baseline: how often each entry is there.

    Raises:
        ConfigError: the file is not there, or is no baseline.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] != _VERSION:
            raise ConfigError(f"{path} is a baseline of version {document['version']}, not {_VERSION}; write it again")
        return Counter(
            {Entry(str(e["code"]), str(e["file"]), str(e["mark"])): int(e["count"]) for e in document["findings"]}
        )
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}; make it with --write-baseline {path}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ConfigError(f"{path} is no baseline; make it with --write-baseline {path}") from error


def write_baseline(path: Path, findings: Iterable[Finding]) -> int:
    """Write a baseline of these findings, and return how many they are.

    Raises:
        ConfigError: the file cannot be written.
    """
    counts = Counter(Entry.of(each) for each in findings)
    rows = [
        {"code": each.code, "file": each.file, "mark": each.mark, "count": count}
        for each, count in sorted(counts.items())
    ]
    try:
        path.write_text(json.dumps({"version": _VERSION, "findings": rows}, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    return counts.total()


def compare(
    findings: Iterable[Finding], baseline: Counter[Entry], looked: Collection[str]
) -> tuple[list[Finding], list[Finding], list[str]]:
    """Separate findings into new and known ones, and name the entries that match nothing any more.

    Args:
        looked: the codes whose silence means that there is nothing.
    """
    left = Counter(baseline)
    new: list[Finding] = []
    known: list[Finding] = []
    for finding in findings:
        entry = Entry.of(finding)
        (known if left[entry] > 0 else new).append(finding)
        left[entry] -= 1
    gone = [str(entry) for entry, count in sorted(left.items()) if count > 0 and entry.code in looked]
    return new, known, gone
