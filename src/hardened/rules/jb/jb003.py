"""JB003: a job that has ended and does not say so."""

from __future__ import annotations

from ...model import AtRunTime


class JB003(AtRunTime):
    """A job that has ended and does not say so.

    Each job has a row with its state, progress, result, error and times, whoever does it; it is read over HTTP, and its
    file downloaded. A job whose process died is found by its lease and named, and ends like any other. The tests go the
    whole way, inline and with workers.
    """
