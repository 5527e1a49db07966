# Owned by the template.
"""`/metrics` for Prometheus: this machine's processes, and the jobs as their table has them now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import iter_route_contexts
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Scope

from .. import metrics as process
from ..database import unit_of_work
from ..jobs import JobCount, count_jobs, in_thread
from ._dependencies import runtime_of
from ._problems import unauthorized

if TYPE_CHECKING:
    from prometheus_client import Metric

__all__ = ["RouteNames", "metrics", "scraper"]

# Prometheus gives up after ten.
_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


async def scraper(request: Request) -> None:
    """Whoever may read the metrics: with `METRICS_TOKEN` set, who sends it as a bearer token; 401 for others."""
    if not process.is_allowed(request.headers.get("authorization", ""), runtime_of(request).settings.metrics_token):
        raise unauthorized("send METRICS_TOKEN as `Authorization: Bearer <token>`")


metrics = APIRouter(tags=["health"], include_in_schema=False, dependencies=[Depends(scraper)])


@metrics.get("/metrics")
async def show_metrics(request: Request) -> Response:
    """What Prometheus reads."""
    runtime = runtime_of(request)
    runtime.sample()
    try:
        async with asyncio.timeout(_SECONDS), unit_of_work(runtime.database, read_only=True) as session:
            jobs = _Jobs(await count_jobs(session, runtime.queues))
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        # What the processes know is wanted most when the database is away.
        log.warning("metrics without the jobs", error=type(error).__name__)
        jobs = _Jobs(None)
    body, media_type = await in_thread(process.render, request.headers.get("accept", ""), (jobs,))
    return Response(body, media_type=media_type)


class _Jobs:
    """The jobs' metrics; of a database that does not answer, that it does not."""

    def __init__(self, counts: list[JobCount] | None) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """Yield each metric with its samples."""
        from prometheus_client.core import GaugeMetricFamily as Gauge  # noqa: PLC0415 - see core/metrics.py

        yield Gauge("database_up", "1 if the database answered.", value=self._counts is not None)
        number = Gauge("background_jobs", "Jobs in this state.", labels=("state", "kind", "queue"))
        age = Gauge(
            "background_jobs_oldest_seconds",
            "How long the oldest has waited since it was due.",
            labels=("kind", "queue"),
        )
        for each in self._counts or ():
            number.add_metric((each.state, each.kind, each.queue), each.number)
            if each.waited is not None:
                age.add_metric((each.kind, each.queue), each.waited)
        yield number
        yield age


class RouteNames:
    """The templates of an application's routes, for the label of a metric."""

    def __init__(self) -> None:
        self._names: dict[int, str] | None = None

    def of(self, scope: Scope) -> str:
        """The template of the route that a request found, with every prefix; empty if it found none."""
        if self._names is None:
            self._names = {
                id(part): each.path_format or each.path or ""
                for each in iter_route_contexts(scope["app"].routes)
                # A route of FastAPI's is found as itself, one of Starlette's by what it leads to.
                for part in (each.original_route, each.endpoint, getattr(each.original_route, "app", None))
                if part is not None
            }
        names = self._names
        return names.get(id(scope.get("route"))) or names.get(id(scope.get("endpoint"))) or ""
