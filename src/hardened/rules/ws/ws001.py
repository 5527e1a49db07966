"""WS001: a page that has to ask for its state again when it reconnects."""

from __future__ import annotations

from ...model import AtRunTime


class WS001(AtRunTime):
    """A page that has to ask for its state again when it reconnects.

    The first frame after a (re)connection is the whole state, or what was missed since the last event that the client
    names; a stale ticket is closed with a code of its own and renewed on the socket; the page makes no other request.
    """
