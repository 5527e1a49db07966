"""IM002: something is used whose extra is declared nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...knowledge.extras import Need
from ...model import Finding, Location, Rule
from ...packaging.declared import Declared
from ._imports import require_declarations


class IM002(Rule):
    """Something is used whose extra is declared nowhere.

    `EmailStr` needs email-validator, a form python-multipart, asynchronous sessions of SQLAlchemy greenlet, a websocket under
    uvicorn websockets: none of these comes by itself. That one is installed here because a tool of the developers needs
    it is not enough: what counts is what is declared for the service, and what that brings along as its metadata say
    (`pydantic[email]` brings email-validator, `fastapi[standard]` most). Told once for each package, at its first use.
    """

    def check(self, declared: Declared, needs: Sequence[tuple[str, Need, Location]]) -> Iterator[Finding]:
        require_declarations(declared)
        brought = declared.brought
        reported: set[Need] = set()
        for what, need, location in needs:
            if need not in reported and brought.isdisjoint(need.packages):
                reported.add(need)
                yield self.finding(
                    f"{what} {need.what}, which nothing that is declared brings",
                    location,
                    need.packages[0],
                    hint=f"declare {need.advice}",
                )
