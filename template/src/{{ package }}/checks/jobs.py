# Owned by the template.
"""JB: guards of background jobs."""

from __future__ import annotations

from ._findings import Guard

GUARDS: tuple[type[Guard], ...] = ()
