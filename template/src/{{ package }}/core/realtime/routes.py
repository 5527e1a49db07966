# Owned by the template.
"""One open socket: who it is, the whole state first, then what changes, until its time is up or it reads too slowly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from ..database import unit_of_work
from ..identity import Principal
from ._hub import Subscription
from ._stream import EventId
from ._tickets import new_ticket, read_ticket

if TYPE_CHECKING:
    from ..runtime import Runtime

__all__ = ["CloseCode", "realtime"]

_FIRST_SECONDS: Final = 10.0
_BEAT_SECONDS: Final = 20.0
_MOST_OF_ONE: Final = 20

log = structlog.get_logger(__name__)
realtime = APIRouter()


class CloseCode(IntEnum):
    """Why the server closed the socket."""

    GOING_AWAY = 1012
    TRY_LATER = 1013
    NOT_UNDERSTOOD = 4400
    UNAUTHENTICATED = 4401
    FOREIGN_ORIGIN = 4403
    TOO_SLOW = 4408
    STALE = 4419
    TOO_MANY = 4429


class _Message(BaseModel):
    """What a client says: `hello` first, or `renew` with a ticket that has become stale; `renew` from then on."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["hello", "renew"]
    token: Annotated[str, Field(max_length=2_000)] | None = None
    ticket: Annotated[str, Field(max_length=2_000)] | None = None
    after: Annotated[str, Field(pattern=r"^\d{1,18}-\d{1,18}$")] | None = None


class _Closed(Exception):  # noqa: N818 - an end, not an error
    """The socket is to be closed with this code and reason."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@realtime.websocket("/realtime")
async def listen(socket: WebSocket) -> None:
    """The state of one's topics, and each change of it."""
    await socket.accept()
    connection = _Connection(socket, socket.app.state.runtime)
    code: int = CloseCode.GOING_AWAY
    try:
        await connection.serve()
    except WebSocketDisconnect as left:
        code = left.code
    except _Closed as end:
        code = end.code
        with suppress(WebSocketDisconnect, RuntimeError):
            await socket.close(end.code, str(end))
    finally:
        log.info("socket closed", code=int(code))


class _Connection:
    def __init__(self, socket: WebSocket, runtime: Runtime) -> None:
        self._socket = socket
        self._runtime = runtime
        self._hub = runtime.events
        self._settings = runtime.settings
        self._clock = asyncio.get_running_loop().time
        self._user: Principal
        self._stale_at = 0.0
        self._degraded = False

    async def serve(self) -> None:
        if not self._origin_is_ours():
            raise _Closed(CloseCode.FOREIGN_ORIGIN, "this page's origin is not in WEBSOCKET_ORIGINS")
        try:
            async with asyncio.timeout(_FIRST_SECONDS):
                first = await self._receive()
        except TimeoutError:
            raise _Closed(CloseCode.UNAUTHENTICATED, "say hello with a token or a ticket") from None
        await self._admit(first)
        if first.after:
            await self._hub.ready()
        structlog.contextvars.bind_contextvars(user_id=self._user.user_id)
        mine, all_together = self._hub.listening(self._user.user_id)
        if mine >= _MOST_OF_ONE or all_together >= self._settings.websocket_connections:
            raise _Closed(CloseCode.TOO_MANY, "too many sockets are open: close one")
        log.info("socket opened")
        with self._hub.subscribed(self._user.user_id) as subscription:
            if first.after and self._hub.resume(subscription, self._user.user_id, EventId.parse(first.after)):
                await self._send({"type": "resumed", "id": first.after, **self._footing()})
            else:
                subscription.start_over()
            await self._serve(subscription)

    async def _serve(self, subscription: Subscription) -> None:
        receiving = self._receiving(subscription)
        try:
            while True:
                await self._tell(subscription)
                if receiving.done():
                    await self._admit(receiving.result(), self._user)
                    subscription.start_over()
                    receiving = self._receiving(subscription)
                    continue
                left = self._stale_at - self._clock()
                if left <= 0:
                    raise _Closed(CloseCode.STALE, "the ticket is stale: renew it")
                try:
                    async with asyncio.timeout(min(left, _BEAT_SECONDS)):
                        await subscription.woken.wait()
                except TimeoutError:
                    await self._send({"type": "beat"})
        finally:
            receiving.cancel()

    def _receiving(self, subscription: Subscription) -> asyncio.Task[_Message]:
        receiving = asyncio.create_task(self._receive())
        receiving.add_done_callback(lambda _: subscription.woken.set())
        return receiving

    async def _tell(self, subscription: Subscription) -> None:
        is_stale, last = subscription.is_stale, self._hub.last
        changes = subscription.take()
        if is_stale:
            # What changes while this is read is told once more, after it.
            state = {name: await self._part(name) for name in self._runtime.topics}
            await self._send({"type": "state", "id": str(last), "state": state, **self._footing()})
            return
        if self._hub.is_degraded and not self._degraded:
            await self._send({"type": "degraded"})
        self._degraded = self._hub.is_degraded
        for (_, name, key), event in changes:
            if name in self._runtime.topics:
                data = await self._part(name, key)
                await self._send({"type": "event", "id": str(event), "topic": name, "key": key, "data": data})

    async def _part(self, name: str, key: str = "") -> Any:
        topic = self._runtime.topics[name]
        async with self._reading() as session:
            if topic.one is None or not key:
                return (await topic.state(session, self._user)).model_dump(mode="json")
            row = await topic.one(session, self._user, key)
        return None if row is None else row.model_dump(mode="json")

    def _footing(self) -> dict[str, Any]:
        """What the client needs to come back, and whether it hears of everything."""
        self._degraded = self._hub.is_degraded
        return {
            "ticket": new_ticket(self._user, self._settings),
            "renew_in": round(self._settings.websocket_ticket_seconds * 2 / 3, 1),
            "degraded": self._degraded,
        }

    async def _admit(self, message: _Message, before: Principal | None = None) -> None:
        """Find out who this is; from now on it is known for the life of a ticket."""
        settings, user = self._settings, before
        lifetime = timedelta(seconds=settings.websocket_ticket_seconds)
        if message.ticket is not None:
            user, age = read_ticket(message.ticket, settings) or (None, lifetime)
            if user is not None and age >= lifetime and message.type == "hello":
                raise _Closed(CloseCode.STALE, "the ticket is stale: renew it")
        async with self._reading() as session:
            if message.token is not None:
                user = await self._runtime.authenticate(session, message.token, settings)
            elif user is not None and not await self._still_holds(session, user):
                user = None
        if user is None or (before is not None and before.user_id != user.user_id):
            raise _Closed(CloseCode.UNAUTHENTICATED, "unknown, expired or revoked: log in again")
        self._user, self._stale_at = user, self._clock() + lifetime.total_seconds()

    async def _still_holds(self, session: AsyncSession, user: Principal) -> bool:
        recheck = self._runtime.recheck
        return recheck is not None and await recheck(session, user, self._settings)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncSession]:
        try:
            # Failure: ten thousand sockets that all read after one change left no connection for requests.
            async with self._hub.reading, unit_of_work(self._runtime.database, read_only=True) as session:
                yield session
        except (SQLAlchemyError, OSError) as error:
            log.warning("socket closed because the database does not answer", error=type(error).__name__)
            raise _Closed(CloseCode.TRY_LATER, "the database does not answer: come back in a moment") from None

    async def _receive(self) -> _Message:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        try:
            return _Message.model_validate_json(message.get("text") or "")
        except ValidationError:
            raise _Closed(
                CloseCode.NOT_UNDERSTOOD, """say {"type": "hello", "token": "..."} or {"type": "renew"}"""
            ) from None

    async def _send(self, frame: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(self._settings.websocket_send_seconds):
                await self._socket.send_text(json.dumps(frame, ensure_ascii=False, separators=(",", ":")))
        except TimeoutError:
            raise _Closed(CloseCode.TOO_SLOW, "nothing was read for too long") from None

    def _origin_is_ours(self) -> bool:
        """Whether a page may speak for its user: one of our own, or of a named origin; no page sends no origin."""
        headers = self._socket.headers
        origin = headers.get("origin")
        return (
            origin is None
            or urlsplit(origin).netloc == headers.get("host")
            or origin in self._settings.websocket_origins.split()
        )
