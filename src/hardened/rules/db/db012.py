"""DB012: a connection to the database that is held while something else is waited for."""

from __future__ import annotations

from collections.abc import Iterator

from ...knowledge.databases import LIBRARIES, POOLS
from ...model import DoesNotApply, Finding, Rule
from ...source.held_connections import HeldConnections
from ...source.tree import Source


class DB012(Rule):
    """A connection to the database that is held while something else is waited for.

    A pool has a few connections. Where each waits with its owner for another service, that service decides when everybody
    else gets one.

    A connection is held from the first statement of a session to its commit, rollback or end, and from `engine.connect()` or
    `engine.begin()` to theirs. Found in between are: a call over HTTP (httpx, requests, aiohttp, urllib), of Redis, of a
    client of a provider, of mail, of each class below `client-base`, and of the modules that `outgoing` names; a sleep; and a
    `yield` of a generator that a `StreamingResponse`, an `EventSourceResponse` or a route sends. Calls through the project's
    own functions count too, and so does a session of the request that a dependency has used before.
    Quiet are: calls before the first statement, after the commit or outside of the session's block; sessions without a
    statement; work that is put into a job; a stream of rows that were read before; and the code of a start, a command or a
    script.
    """

    def check(self, source: Source, held_connections: HeldConnections) -> Iterator[Finding]:
        known = {each.top for each in source.imports}
        if not known & (LIBRARIES | POOLS):
            raise DoesNotApply("nothing here has a pool of connections")
        for each in held_connections.found():
            since = f" since line {each.since}" if each.since else ""
            yield self.finding(
                f"{each.holder} holds a connection to the database{since}, and here it is kept until {each.what} is done, so "
                "that a few slow answers leave none for anybody else",
                each.location,
                each.what.partition("(")[0],
                hint="wait before the first statement, or after the session is left, or in a job",
            )
