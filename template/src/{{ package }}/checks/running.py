# Owned by the template.
"""Failures that show only when the service runs: their guards are its tests, under the same codes."""

from __future__ import annotations

from ._findings import Guard

GUARDS: tuple[type[Guard], ...] = ()
