"""IM002: something is used whose extra is declared nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model import Finding, Rule
from ...project import Project
from ._shared import _declared

if TYPE_CHECKING:
    from ...packaging.needs import Need


class IM002(Rule):
    """Something is used whose extra is declared nowhere.

    `EmailStr` needs email-validator, a form python-multipart, asynchronous sessions of SQLAlchemy greenlet, a websocket under
    uvicorn websockets: none of these comes by itself. That one is installed here because a tool of the developers needs
    it is not enough: what counts is what is declared for the service, and what that brings along as its metadata say
    (`pydantic[email]` brings email-validator, `fastapi[standard]` most). Told once for each package, at its first use.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        declared = _declared(project)
        brought = declared.brought
        told: set[Need] = set()
        for what, need, location in project.needs:
            if need not in told and brought.isdisjoint(need.packages):
                told.add(need)
                yield self.finding(
                    f"{what} {need.what}, which nothing that is declared brings; declare {need.advice}",
                    location,
                    need.packages[0],
                )
