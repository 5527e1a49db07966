# Owned by the template.
"""Tombstone: moved to `checks/_declared.py`; this name goes with 0.5."""

from ._declared import Requirement as Requirement
