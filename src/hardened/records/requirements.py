"""Declared dependencies."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Location


@dataclass(frozen=True)
class Requirement:
    """One declared dependency.

    Attributes:
        name: normalised, as registries compare it.
        extras: normalised too.
        marker: the condition: `python_version < "3.12"`.
        kind: `service` (needed in production), `extra` (optional) or `group` (for its developers).
        group: the name of the extra, the group or the requirement file; "" for the service's own.
        location: the line that declares it.
        text: the text of that line.
        bounded: a later version is shut out, by an upper bound, a pin, or an address that never changes.
    """

    name: str
    extras: frozenset[str]
    marker: str
    kind: str
    group: str
    location: Location
    text: str
    bounded: bool
