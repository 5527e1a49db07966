# Owned by the template.
"""Tombstone: moved to `checks/_functions.py`; this name goes with 0.5."""

from ._functions import Functions as Reach

__all__ = ["Reach"]
