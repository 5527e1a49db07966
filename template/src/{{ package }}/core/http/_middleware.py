# Owned by the template.
"""Around every request: a request id, a largest body, and how it ended, in the log and in the metrics."""

from __future__ import annotations

import re
import time
from typing import Final
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..metrics import request_ended
from ._metrics import RouteNames
from ._problems import problem_response, unexpected_response

__all__ = ["BodyLimitMiddleware", "RequestLogMiddleware"]

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = structlog.get_logger(__name__)


class RequestLogMiddleware:
    """Gives each request an id, taken from `X-Request-ID` if that is a plain one, logs its end and counts it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._routes = RouteNames()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        started = time.perf_counter()
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self.app(scope, receive, send_with_id)
        except Exception as error:
            # Starlette's own last resort stands outside of this one: its answer would have no request id.
            if status is not None:
                raise
            await unexpected_response(error)(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            request_ended(scope["method"], self._routes.of(scope), status, seconds)
            if not scope["path"].startswith("/health/"):
                # The path without its query: a query may hold what nobody should read in a log.
                log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    milliseconds=round(seconds * 1000, 1),
                )


class BodyLimitMiddleware:
    """Refuses a body that is too large: by its declared length before it is read, by its real one while it is (RT007).

    FastAPI's own limit answers a declared length in plain text, outside of the middleware that gives request ids.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        detail = f"the body is larger than {self._most} bytes"
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and len(declared) < 20 and int(declared) > self._most:
            await problem_response(413, detail)(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._most:
                raise HTTPException(413, detail)
            return message

        await self.app(scope, counted, send)
