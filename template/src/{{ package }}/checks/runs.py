# Owned by the template.
"""RN: guards of what a process shares and of what holds it up."""

from __future__ import annotations

from ._findings import Guard

GUARDS: tuple[type[Guard], ...] = ()
