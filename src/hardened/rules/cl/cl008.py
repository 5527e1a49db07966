"""CL008: a call of another service that may wait for ever."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model import Finding, Rule
from ...source.outgoing import EndlessCall


class CL008(Rule):
    """A call of another service that may wait for ever.

    Calls without a limit, under whatever name and through sessions and `functools.partial`: of requests, urllib, urllib3,
    aiohttp's sessions, `socket.create_connection`, smtplib, ftplib, imaplib, poplib, http.client, paramiko and
    `asyncio.open_connection`; and with a timeout of None of httpx, httpx2 and botocore, which have one by themselves.
    Quiet are: a timeout in the call or the session, an adapter with one, `socket.setdefaulttimeout`, what is passed as
    `**options`, and `asyncio.timeout`, `wait_for` or anyio's `fail_after` around what is awaited.
    """

    common_subjects = True

    def check(self, endless_calls: Sequence[EndlessCall]) -> Iterator[Finding]:
        for each in endless_calls:
            yield self.finding(
                f"{each.what} waits for ever where the other side says nothing",
                each.location,
                each.what.partition("(")[0],
                hint="give it a timeout",
            )
