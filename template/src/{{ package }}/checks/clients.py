# Owned by the template.
"""CL: guards of clients of other services."""

from __future__ import annotations

from ._findings import Guard

GUARDS: tuple[type[Guard], ...] = ()
