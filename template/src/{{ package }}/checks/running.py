# Owned by the template.
"""Failures that show only when the service runs: their guards are its tests, under the same codes."""

from __future__ import annotations

from ._findings import AtRunTime, Guard


class DB006(AtRunTime):
    """A service that does not come back when its database does.

    A connection that died is not handed to a request; start-up waits for the database, for a bounded time; a request
    that meets a database which is away is answered 503 with `Retry-After`, and the next one is served when it is back.
    """


class JB005(AtRunTime):
    """A run that ends without its result.

    Whichever way out a run takes (it returns early, fails, is cancelled, takes too long, its process is killed), its
    row says how it ended or that it is tried again, and nothing of what was half done is kept.
    """


class JB006(AtRunTime):
    """Work that was promised with a 202 and is lost, or done twice.

    A job is written in the transaction of the data that it belongs to, and published after that; what the broker did
    not take, has lost or gave to a worker that died is handed on again; and each job takes effect once.
    """


class JB008(AtRunTime):
    """A worker that is alive and takes no jobs.

    A message comes through the broker and a child of the worker and back, again and again; a worker through which none
    comes any more ends, so that it is started again, and one whose connection was cut goes on. How many jobs wait,
    and for how long the oldest has, are metrics.
    """


class CF004(AtRunTime):
    """A part that is down, and nobody says which.

    Liveness answers whatever is down, without asking it; readiness names the part: the database and its migrations,
    without which it is 503, and the other services, the cache and the broker, which requests are answered without.
    """


class WS001(AtRunTime):
    """A page that has to ask for its state again when it reconnects.

    The first frame after a (re)connection is the whole state, or what was missed since the last event that the client
    names; a stale ticket is closed with a code of its own and renewed on the socket; the page makes no other request.
    """


GUARDS: tuple[type[Guard], ...] = (DB006, JB005, JB006, JB008, CF004, WS001)
