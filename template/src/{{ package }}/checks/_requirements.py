# Owned by the template.
"""Tombstone: moved to `checks/_declared.py`; this name goes with 0.5."""

from ._config import Config
from ._declared import Declared, Requirement

__all__ = ["Requirement", "requirements"]


def requirements(config: Config) -> tuple[Requirement, ...]:
    """What is `watched` now."""
    return Declared(config).watched
