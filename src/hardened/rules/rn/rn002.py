"""RN002: a call that holds up the event loop, and with it every request of the process."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ...knowledge.blocking import BLOCKING
from ...model import Finding, Location, Rule
from ...records.diagnostics import Diagnostic
from ...source.call_graph import CallGraph, Function
from ...source.symbols import CallSite
from ...source.tree import Source
from ...source.walks import CONSTRUCTORS, is_generator

_HINT = "await its asynchronous kind, or run it in a thread"
_NOQA = re.compile(r"#\s*noqa(?:\s*$|:.*\bASYNC)")


class RN002(Rule):
    """A call that holds up the event loop, and with it every request of the process.

    Found are, in an `async def`: the findings of ruff's ASYNC rules, where no `noqa` stands; and further calls: of a blocking
    library (requests, sync httpx, sqlite3, psycopg, sync redis and SQLAlchemy, boto3, smtplib, ...), of subprocess, of
    `time.sleep` or a file under any name, and of a plain `def` of the project that makes such a call itself.
    Quiet are `await in_thread(...)`, `asyncio.to_thread`, a plain `def` that is a route, a dependency or a job, and scripts.
    """

    common_subjects = True

    def check(
        self, source: Source, call_graph: CallGraph, lint: Mapping[str, Sequence[Diagnostic]] | None = None
    ) -> Iterator[Finding]:
        seen: set[Location] = set()
        for each in lint["RN002"] if lint else ():
            seen.add(each.location)
            message = f"{each.message.rstrip('.')} ({each.rule}): the event loop waits for it"
            yield self.finding(message, each.location, each.rule, hint=_HINT)
        for site in source.uses:
            if not site.in_coroutine or site.location in seen:
                continue
            name, message = _blocking(site), "holds up the event loop"
            called = None if name else call_graph.called(site)
            if called is not None and not called.is_coroutine and (below := _blocks(called)):
                name, message = called.node.name, f"calls {below}, which {message}"
            if name and not _has_noqa(source, site):
                seen.add(site.location)
                yield self.finding(f"{name}() {message}", site.location, name, hint=_HINT)


def _blocking(site: CallSite) -> str:
    """The name of a call that blocks; "" for others."""
    return site.name.replace("()", "") if BLOCKING.fullmatch(site.name) else ""


def _blocks(function: Function) -> str:
    """The first call in a plain function that blocks; none in a generator, which runs when somebody iterates."""
    if function.node.name in CONSTRUCTORS or is_generator(function.node):
        return ""
    return next(filter(None, map(_blocking, function.calls)), "")


def _has_noqa(source: Source, site: CallSite) -> bool:
    """Report whether the line suppresses ruff's rules of this kind."""
    file = source.files[site.location.file or ""]
    return _NOQA.search(file.line(site.node.lineno)) is not None
