"""CL003: a call of another service past the breaker, or a limit that nobody reads."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Rule
from ...project import Project
from ...source.outgoing import asks
from ...source.unread import Unreads


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

    def check(self, project: Project) -> Iterator[Finding]:
        makers = project.config.outgoing
        for use in project.source.uses if makers else ():
            name = project.call_graph.name_of(use)
            if asks(use, name) and not any(use.module == each or use.module.startswith(f"{each}.") for each in makers):
                yield self.finding(
                    f"{name}() asks another service with no breaker in between, and asks on while that fails; "
                    f"use the clients of {makers[0]}",
                    use.location,
                    name,
                )
        unreads = Unreads(project.call_graph)
        for unread in (*unreads.settings(), *unreads.limits()):
            yield self.finding(
                f"{unread.what} is read by nobody, so setting it changes nothing; use it or delete it",
                unread.location,
                unread.subject,
            )
