"""JB006: work that was promised with a 202 and is lost, or done twice."""

from __future__ import annotations

from ...model import AtRunTime


class JB006(AtRunTime):
    """Work that was promised with a 202 and is lost, or done twice.

    A job is written in the transaction of the data that it belongs to, and published after that; what the broker did
    not take, has lost or gave to a worker that died is handed on again; and each job takes effect once.
    """
