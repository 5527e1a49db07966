# Owned by the template.
"""Time that a job gets beyond its timeout, before its worker process is told and then killed."""

from typing import Final

__all__ = ["HARD_SECONDS", "SOFT_SECONDS"]

SOFT_SECONDS: Final = 10.0
"""How long after its timeout a job that blocks its event loop, and so never sees it, is told where it stands."""
HARD_SECONDS: Final = 20.0
"""How long after its timeout the process of a job that takes no notice of that either is killed."""
