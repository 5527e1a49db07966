# Owned by the template.
"""Tombstone: moved to `core/terminal.py`; this name goes with 0.5."""

from .terminal import CommandError, console, errors, say

__all__ = ["CommandError", "console", "errors", "say"]
