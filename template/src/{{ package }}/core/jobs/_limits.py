# Owned by the template.
"""Time that a job gets beyond its timeout, before its worker process is told and then killed."""

from typing import Final

__all__ = ["HARD_SECONDS", "SOFT_SECONDS"]

SOFT_SECONDS: Final = 10.0
"""Seconds after its timeout until a job that blocks its event loop gets an exception where it stands."""
HARD_SECONDS: Final = 20.0
"""Seconds after its timeout until the process of a job that ignores that exception is killed."""
