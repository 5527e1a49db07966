"""JB005: a run that ends without its result."""

from __future__ import annotations

from ...model import AtRunTime


class JB005(AtRunTime):
    """A run that ends without its result.

    Whichever way out a run takes (it returns early, fails, is cancelled, takes too long, its process is killed), its
    row says how it ended or that it is tried again, and nothing of what was half done is kept.
    """
