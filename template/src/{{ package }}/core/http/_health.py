# Owned by the template.
"""Liveness, which touches nothing, and readiness, which names the part that is down (CF004)."""

from __future__ import annotations

from typing import Final, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from ..clients import BreakerState
from ._dependencies import runtime_of

__all__ = ["health"]

_SECONDS: Final = 2.0

health = APIRouter(prefix="/health", tags=["health"])


class Live(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Whether requests can be served, each part that takes, and the state of what they are answered without."""

    status: Literal["ok", "unavailable"]
    parts: dict[str, str]
    services: dict[str, BreakerState]


@health.get("/live")
async def live() -> Live:
    """Whether the process answers. Asynchronous and without any dependency, so that nothing can starve it."""
    return Live()


@health.get("/ready", responses={503: {"model": Ready}})
async def ready(request: Request, response: Response) -> Ready:
    """Whether the service can do its work, and which part is down if not."""
    runtime = runtime_of(request)
    parts, services = await runtime.parts(_SECONDS), runtime.services()
    if all(state == "ok" for state in parts.values()):
        return Ready(status="ok", parts=parts, services=services)
    response.status_code = 503
    return Ready(status="unavailable", parts=parts, services=services)
