"""CF004: a part that is down, and nobody says which."""

from __future__ import annotations

from ...model import AtRunTime


class CF004(AtRunTime):
    """A part that is down, and nobody says which.

    Liveness answers whatever is down, without asking it; readiness names the part: the database and its migrations,
    without which it is 503, and the other services, the cache and the broker, which requests are answered without.
    """
