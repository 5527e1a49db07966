"""The one error of the lifecycle commands."""

from __future__ import annotations


class LifecycleError(Exception):
    """A refusal in one line: what happened, with the value, and what to do."""
