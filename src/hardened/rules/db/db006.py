"""DB006: a service that does not come back when its database does."""

from __future__ import annotations

from ...model import AtRunTime


class DB006(AtRunTime):
    """A service that does not come back when its database does.

    A connection that died is not handed to a request; start-up waits for the database, for a bounded time; a request
    that meets a database which is away is answered 503 with `Retry-After`, and the next one is served when it is back.
    """
