"""The records of an update: what it did or would do, for the summary and, as JSON, for fleets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

FoundRow = dict[str, Any]
"""A finding as JSON: code, message, file, line."""


@dataclass(frozen=True)
class Conflict:
    """A path that git could not merge."""

    path: str
    cause: str
    resolution: str


@dataclass(frozen=True)
class FindingsComparison:
    """The findings before and after; `reason` explains a side that is None."""

    before: list[FoundRow] | None = None
    after: list[FoundRow] | None = None
    reason: str = ""

    @property
    def new(self) -> list[FoundRow]:
        """The findings after the update that were not there before, wherever their lines moved to."""
        known = {(each["code"], each["message"]) for each in self.before or ()}
        return [each for each in self.after or () if (each["code"], each["message"]) not in known]


@dataclass(frozen=True)
class Move:
    """A module of the template that is renamed or deleted.

    `new_path` is empty where it is deleted. `removed_in` names the release that removes a tombstone.
    `imports` lists each `file:line` of the service that still imports the old name.
    """

    path: str
    new_path: str = ""
    removed_in: str = ""
    imports: tuple[str, ...] = ()


@dataclass
class Outcome:
    """The result of an update.

    `state` is one of refused, current, behind, would update, would conflict, updated, conflicts.
    """

    service: str
    version: str = ""
    target: str = ""
    behind: list[str] = field(default_factory=list)
    state: str = "refused"
    reason: str = ""
    files: list[tuple[str, str]] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    new_rules: dict[str, str] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)
    questions: dict[str, str] = field(default_factory=dict)
    seeded: list[str] = field(default_factory=list)
    """Paths of the owner's that are otherwise in a new service."""
    ignored: list[str] = field(default_factory=list)
    """Paths of the template's that git ignores here, so that they are not delivered."""
    check: FindingsComparison = field(default_factory=FindingsComparison)
    accepted: list[dict[str, str]] = field(default_factory=list)
    stale_lock: bool = False
    """A committed uv.lock has to follow a changed pyproject.toml."""
    decisions: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The exit status: 0 done or nothing to do, 1 conflicts or refused, 2 behind."""
        return {"behind": 2, "refused": 1, "conflicts": 1, "would conflict": 1}.get(self.state, 0)
