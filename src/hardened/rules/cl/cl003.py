"""CL003: a call of another service past the breaker, or a limit that nobody reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...config.table import Config
from ...model import Finding, Rule
from ...source.call_graph import CallGraph
from ...source.nodes import is_within
from ...source.outgoing import asks
from ...source.unread import Unread


class CL003(Rule):
    """A call of another service past the breaker, or a limit that nobody reads.

    Where `outgoing` names the modules that ask other services, and do so behind a breaker: a client or call of an HTTP
    library (httpx, requests, aiohttp, urllib, ...) anywhere else. In every service: a field of a settings class, or of
    a model in one, that nothing reads but its own validators; a parameter or a dataclass's field that is called like a
    limit (timeout, threshold, cool-down, retries, ...) which its function never looks at, or which a constructor keeps
    in an attribute that nobody reads.
    Quiet are: a client with a `transport` of its own, as for a service in this process; settings that are dumped or
    passed on whole; parameters of handlers, of methods that override, of stubs and protocols.
    """

    def check(self, config: Config, call_graph: CallGraph, unread: Sequence[Unread]) -> Iterator[Finding]:
        yield from self._past_the_breaker(config.outgoing, call_graph)
        yield from self._never_read(unread)

    def _past_the_breaker(self, makers: Sequence[str], call_graph: CallGraph) -> Iterator[Finding]:
        """Yield the requests that other modules make than those that do it behind a breaker."""
        for call in call_graph.source.uses if makers else ():
            name = call_graph.name_of(call)
            if asks(call, name) and not is_within(call.module, makers):
                yield self.finding(
                    f"{name}() asks another service with no breaker in between, and asks on while that fails",
                    call.location,
                    name,
                    hint=f"use the clients of {makers[0]}",
                )

    def _never_read(self, unread: Sequence[Unread]) -> Iterator[Finding]:
        """Yield the settings and limits without effect."""
        for each in unread:
            message = f"{each.what} is read by nobody, so setting it changes nothing"
            yield self.finding(message, each.location, each.subject, hint="use it or delete it")
