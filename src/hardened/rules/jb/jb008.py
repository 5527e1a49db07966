"""JB008: a worker that is alive and takes no jobs."""

from __future__ import annotations

from ...model import AtRunTime


class JB008(AtRunTime):
    """A worker that is alive and takes no jobs.

    A message comes through the broker and a child of the worker and back, again and again; a worker through which none
    comes any more ends, so that it is started again, and one whose connection was cut goes on. How many jobs wait,
    and for how long the oldest has, are metrics.
    """
