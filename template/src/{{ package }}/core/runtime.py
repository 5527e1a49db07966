# Owned by the template.
"""The parts that one process of the service runs on: settings, database, jobs and clients."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from . import metrics
from .clients import BreakerState, Clients
from .database import Database, unit_of_work
from .deliveries import deliver
from .features import Feature, FeatureError
from .http import delete_expired_records
from .identity import Authenticate
from .jobs import InlineDispatcher, JobRegistry, Reconciler, Relay, delete_finished, jobs_topic
from .realtime import Hub, Stream, topics_by_name
from .settings import CoreSettings
from .startup import StartupProblem, collecting, refuse

__all__ = ["Runtime"]


class Runtime:
    """Made once for each process. Making it connects to nothing (CL001)."""

    def __init__(self, settings: CoreSettings, features: Sequence[Feature]) -> None:
        """Put the process's parts together.

        Raises:
            StartupError: not exactly one feature recognises tokens; two jobs, clients or topics have one name; a job
                waits in a queue that no feature declares; `SERVICE_URLS` names no client; or the broker would hand a
                job on a second time while it still runs.
        """
        problems: list[StartupProblem] = []
        self.settings = settings
        self.features = tuple(features)
        self.database = Database(settings)
        with collecting(problems):
            self.clients = Clients(settings, (client for feature in features for client in feature.clients))
        with collecting(problems):
            self.jobs = JobRegistry(
                (deliver, *(kind for feature in features for kind in feature.jobs)),
                (queue for feature in features for queue in feature.queues),
            )
            self.relay = None if settings.broker_url is None else Relay(settings, self.jobs)
        with collecting(problems):
            self.topics = topics_by_name((jobs_topic, *(topic for feature in features for topic in feature.topics)))
        with collecting(problems):
            self.authenticate = _the_one_authenticate(self.features)
        refuse(problems)
        self.redis = self.clients.redis
        self.dispatcher = InlineDispatcher(self.database, settings, self.jobs)
        self.events = Hub(None if self.redis is None else Stream(self.redis))
        self.database.session_info |= {
            "clients": self.clients,
            "events": self.events,
            "dispatcher": self.relay or self.dispatcher,
        }
        self.recheck = next((feature.recheck for feature in features if feature.recheck is not None), None)
        self._head: str | None = None

    def reconciler(self) -> Reconciler:
        """The loop that takes up what was left."""
        return Reconciler(
            self.database,
            self.relay or self.dispatcher,
            self._delete_expired,
            every=timedelta(seconds=self.settings.job_poll_seconds),
        )

    async def close(self) -> None:
        """Close every connection of the process, the database's last."""
        if self.relay is not None:
            await self.relay.close()
        await self.clients.close()
        await self.database.close()

    @property
    def queues(self) -> dict[str, str]:
        """The queue of each kind of job."""
        return {kind.name: kind.queue for kind in self.jobs}

    def sample(self) -> None:
        """Write down what this process has in use, for its metrics."""
        pools = {"database": self.database.connections}
        if self.redis is not None:
            pools["redis"] = (self.redis.in_use, self.redis.size)
        metrics.sample(pools, self.clients.breakers(), self.queues)

    def services(self) -> dict[str, BreakerState]:
        """The states of what requests are answered without: other services, the cache's Redis, the broker."""
        states = self.clients.breakers()
        return states if self.relay is None else {**states, "broker": self.relay.state}

    async def parts(self, seconds: float) -> dict[str, str]:
        """The state of each part that requests need: "ok", or what is wrong; each is asked for so long at most."""
        try:
            # Read-only: on SQLite a plain connection waits for the one that writes.
            async with asyncio.timeout(seconds), unit_of_work(self.database, read_only=True) as session:
                deployed = await _deployed_revisions(session)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            return {"database": f"does not answer: {type(error).__name__}"}
        head = await self._migration_head()
        behind = f"the database is at {', '.join(deployed) or 'no revision'}, this code at {head}: run migrate"
        return {"database": "ok", "migrations": "ok" if deployed == [head] else behind}

    async def _migration_head(self) -> str | None:
        if self._head is None:
            # Alembic costs a fifth of a start-up, and of all that serves requests only this asks it.
            from .database.migrations import newest_revision  # noqa: PLC0415

            self._head = await asyncio.to_thread(newest_revision, self.settings)
        return self._head

    async def _delete_expired(self, session: AsyncSession) -> None:
        await delete_finished(session, older_than=timedelta(days=self.settings.job_retention_days))
        await delete_expired_records(session, older_than=timedelta(hours=self.settings.idempotency_hours))
        for feature in self.features:
            for expire in feature.retention:
                await expire(session, self.settings)


async def _deployed_revisions(session: AsyncSession) -> list[str]:
    migrated = await session.run_sync(lambda inner: inspect(inner.connection()).has_table("alembic_version"))
    return list(await session.scalars(text("SELECT version_num FROM alembic_version"))) if migrated else []


def _the_one_authenticate(features: Sequence[Feature]) -> Authenticate:
    found = [feature.authenticate for feature in features if feature.authenticate is not None]
    if len(found) != 1:
        raise FeatureError(
            f"{len(found)} features say how a token is recognised: give exactly one Feature `authenticate=...`"
        )
    return found[0]
