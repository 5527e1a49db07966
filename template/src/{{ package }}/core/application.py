# Owned by the template.
"""Builds the ASGI application from settings and features: the one place where the parts are put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final

import structlog
from fastapi import FastAPI

from .database import Model
from .features import Feature
from .http import BodyLimitMiddleware, RequestLogMiddleware, health, install_problems, jobs, metrics, route_problems
from .logs import configure_logs
from .metrics import are_shared
from .realtime.console import console
from .realtime.routes import realtime
from .runtime import Runtime
from .settings import CoreSettings
from .startup import StartupProblem, collecting, model_problems, refuse
from .watchdog import watch_event_loop

__all__ = ["create_app"]

_SAMPLE_SECONDS: Final = 1.0

log = structlog.get_logger(__name__)


def create_app(settings: CoreSettings, features: Sequence[Feature], *, title: str, version: str = "0.1.0") -> FastAPI:
    """Build the service's application.

    Args:
        settings: this process's settings.
        features: those that `discover` found.
        title: its name, for people.
        version: its version, shown in the API's documentation.

    Raises:
        StartupError: it could not work: two handlers on one route, models that refer to authentication's tables,
            features that contradict each other.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        runtime: Runtime = app.state.runtime
        configure_logs(settings)
        async with AsyncExitStack() as stack:
            if settings.is_local:
                await stack.enter_async_context(watch_event_loop())
            stack.push_async_callback(runtime.close)
            stack.push_async_callback(runtime.dispatcher.drain)
            await runtime.database.wait(settings.database_wait_seconds)
            await stack.enter_async_context(_beside(runtime))
            log.info("ready", environment=settings.environment)
            yield

    app = FastAPI(title=title, version=version, lifespan=lifespan)
    app.add_middleware(BodyLimitMiddleware, most=settings.max_body_bytes)
    app.add_middleware(RequestLogMiddleware)
    install_problems(app)
    app.include_router(health)
    app.include_router(jobs)
    app.include_router(realtime)
    app.include_router(console)
    # How much is done here and how badly is nobody's business: elsewhere than here it takes a token to ask.
    if settings.is_local or settings.metrics_token is not None:
        app.include_router(metrics)
    for feature in features:
        for router in feature.routers:
            app.include_router(router)
    problems: list[StartupProblem] = []
    with collecting(problems):
        app.state.runtime = Runtime(settings, features)
    complete = None if problems else app
    refuse((*problems, *model_problems(Model), *route_problems(app.routes)), complete)
    return app


@asynccontextmanager
async def _beside(runtime: Runtime) -> AsyncIterator[None]:
    loops = [runtime.reconciler().run(), runtime.events.run()]
    if runtime.relay is not None:
        loops.append(runtime.relay.run())
    if are_shared():
        loops.append(_sampling(runtime))
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _sampling(runtime: Runtime) -> None:
    """Let the process that answers Prometheus know what this one has in use."""
    while True:
        runtime.sample()
        await asyncio.sleep(_SAMPLE_SECONDS)
