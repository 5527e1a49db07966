# Owned by the template.
"""What an endpoint asks for: the unit of work of its request, and who is asking."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Annotated, Final, cast

import structlog
from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession

from ..database import unit_of_work
from ..identity import Principal
from ._problems import unauthorized

if TYPE_CHECKING:
    from ..runtime import Runtime

__all__ = ["SAFE_METHODS", "CurrentUser", "Request", "Session", "authenticated", "runtime_of"]

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_bearer = HTTPBearer(auto_error=False, description="An API key, or the token of a session.")


def runtime_of(request: Request) -> Runtime:
    """What the process that serves this request runs on."""
    return cast("Runtime", request.app.state.runtime)


async def _session(request: Request) -> AsyncIterator[AsyncSession]:
    read_only = request.method in SAFE_METHODS
    async with unit_of_work(runtime_of(request).database, read_only=read_only) as session:
        request.state.session = session
        yield session


Session = Annotated[AsyncSession, Depends(_session, scope="function")]
"""The request's one transaction.

Failure: with FastAPI's default scope the commit runs after the response was sent, so a failed commit had
answered 200. This scope commits first; a failed commit is a 503, and nobody is told otherwise.
"""


async def authenticated(
    request: Request,
    session: Session,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Principal:
    """The user whose token the request carries; 401 without one.

    Failure: read through the request's session, the token alone kept a connection until the response, also while the
    endpoint waited for another service (DB012). An endpoint without a `Session` holds none, unless it is a
    write with an `Idempotency-Key`, which is kept in the same transaction; for the others, who use it at
    once, a second one would cost a seventh of a short request.
    """
    if credentials is None:
        raise unauthorized("send an API key or a session's token as `Authorization: Bearer <token>`")
    runtime = runtime_of(request)
    token = credentials.credentials
    if _shares_session(request):
        principal = await runtime.authenticate(session, token, runtime.settings)
    else:
        async with unit_of_work(runtime.database, read_only=True) as reading:
            principal = await runtime.authenticate(reading, token, runtime.settings)
    if principal is None:
        raise unauthorized("the token is unknown, expired or revoked")
    request.state.principal = principal
    structlog.contextvars.bind_contextvars(user_id=principal.user_id)
    return principal


def _shares_session(request: Request) -> bool:
    """Whether the endpoint takes the request's session, or something that ran before has used it already.

    Failure: a dependency that ran first held its connection, the token took a second one, and two requests in a pool of
    two waited for each other.
    """
    dependant = getattr(request.scope.get("route"), "dependant", None)
    if dependant is None:
        return True
    return any(each.call is _session for each in dependant.dependencies) or bool(_before(dependant.dependencies))


def _before(dependencies: Sequence[Dependant]) -> bool | None:
    """Whether one of these, in their order, has a session before the token is read; None where none of them reads it."""
    for each in dependencies:
        if each.call in (authenticated, _session):
            return each.call is _session
        if (inner := _before(each.dependencies)) is not None:
            return inner
    return None


CurrentUser = Annotated[Principal, Depends(authenticated)]
"""Who is asking."""
