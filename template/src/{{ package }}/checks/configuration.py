# Owned by the template.
"""CF: guards of settings and of the files that a service is deployed with."""

from __future__ import annotations

from ._findings import Guard

GUARDS: tuple[type[Guard], ...] = ()
