# Owned by the template.
"""Builds the Celery worker from settings and features: its task, its processes' event loops, and its canary."""

from __future__ import annotations

import asyncio
import mmap
import os
import signal
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog
from celery import Celery, signals
from celery.exceptions import SoftTimeLimitExceeded
from celery.worker import state as worker_state
from kombu import Connection, Queue

from . import metrics, worker_health
from .features import Feature
from .jobs import run_job
from .jobs._celery import RUN_JOB, dead_letters, make_celery
from .logs import configure_logs
from .runtime import Runtime
from .settings import CoreSettings
from .terminal import CommandError
from .tracing import continued

if TYPE_CHECKING:
    from prometheus_client import Metric

__all__ = ["create_worker", "run_worker"]

_CANARY: Final = "worker.canary"
_RETRY_SECONDS: Final = 2.0
_CHECKS: Final = 12
"""How many canaries are sent in the time after which a worker counts as stalled."""

log = structlog.get_logger(__name__)


def create_worker(settings: CoreSettings, features: Sequence[Feature]) -> Celery:
    """Build the Celery application of the service's workers. It connects to nothing (CL001).

    Raises:
        StartupError: it could not work: the features contradict each other, or the settings do not go with the jobs.
    """
    runtime = Runtime(settings, features)
    app = make_celery(settings, runtime.jobs)
    app.set_default()
    child, canary = _Child(settings, features), _Canary(app, settings)

    @app.task(name=RUN_JOB, bind=True)
    def run(task: Any, job_id: str) -> None:
        with continued(task.request.headers or {}):
            child.run(UUID(job_id))

    @app.task(name=_CANARY)
    def sing() -> None:
        canary.sing()

    for signal_, receiver in (
        (signals.setup_logging, lambda **_: configure_logs(settings)),
        (signals.worker_init, lambda sender, **_: canary.take_place(sender)),
        (signals.worker_ready, lambda **_: canary.start()),
        (signals.worker_shutting_down, lambda **_: canary.stop()),
        (signals.worker_process_init, lambda **_: child.start()),
        (signals.worker_process_shutdown, lambda **_: child.stop()),
    ):
        signal_.connect(receiver, weak=False)
    return app


def run_worker(app: Celery, *, queues: Sequence[str] | None, concurrency: int) -> int:
    """Work until told to stop; returns the process's exit status.

    Args:
        app: what `create_worker` made.
        queues: those to take jobs from; all of them for None.
        concurrency: how many jobs at a time, each in a process of its own.

    Raises:
        CommandError: there is no such queue, or the broker has it with other arguments (JB002), or there is no broker.
    """
    if app.conf.broker_url is None:
        raise CommandError("BROKER_URL is not set: without a broker, `serve` does the jobs itself")
    known = [queue.name for queue in app.conf.task_queues]
    if unknown := [name for name in queues or () if name not in known]:
        raise CommandError(f"there is no queue {', '.join(unknown)}: give some of {', '.join(known)} (JB002)")
    _refuse_other_arguments(app, queues or known)
    # What workers tell each other is nothing that the table of jobs does not know; each of it is a queue more.
    worker = app.Worker(
        queues=list(queues or known),
        concurrency=concurrency,
        pool_cls="prefork",
        without_gossip=True,
        without_mingle=True,
        quiet=True,
    )
    worker.start()
    return worker.exitcode or 0


def _refuse_other_arguments(app: Celery, names: Sequence[str]) -> None:
    """Make the queues on the broker, once it answers, or find them there as they are in the table (JB002).

    Failure: a queue was there with other arguments, and the worker ended with a traceback of its client's each time
    that it was started; or it was the dead letters', and no canary was sent any more, with a warning every few seconds.

    Raises:
        CommandError: one is there with other arguments.
    """
    # On Redis a queue is a list that its first message makes: there is nothing to compare.
    if not str(app.conf.broker_url).startswith("amqp"):
        return
    queues = [*(app.amqp.queues[name] for name in names), dead_letters()]
    while queues:
        with app.connection_for_write() as connection:
            connection.ensure_connection(errback=_broker_is_away)
            try:
                while queues:
                    _declare(connection, queues[0])
                    del queues[0]
            except connection.recoverable_connection_errors as error:
                # It went away again: waited for like one that was never there.
                _broker_is_away(error, _RETRY_SECONDS)
                time.sleep(_RETRY_SECONDS)


def _declare(connection: Connection, queue: Queue) -> None:
    try:
        queue(connection.default_channel).declare()
    except connection.channel_errors as error:
        if "PRECONDITION_FAILED" not in str(error):
            raise
        delete = f"rabbitmqctl delete_queue --vhost {connection.virtual_host} {queue.name}"
        raise CommandError(
            f"the queue {queue.name!r} is on the broker with other arguments than this service declares: {error}; "
            f"if it is another service's, give this one a virtual host of its own, else delete it with `{delete}` (jobs "
            "are rows: those that waited in it are sent again) and start the worker again, which makes it anew (JB002)"
        ) from None


def _broker_is_away(error: BaseException, seconds: float) -> None:
    log.warning("the worker waits for the broker", error=f"{type(error).__name__}: {error}", seconds=seconds)


class _Child:
    """A process that runs jobs: one event loop and one runtime, made after the fork, for its whole life."""

    def __init__(self, settings: CoreSettings, features: Sequence[Feature]) -> None:
        self._settings = settings
        self._features = features
        self._made: tuple[asyncio.Runner, Runtime] | None = None

    def start(self) -> None:
        runtime = Runtime(self._settings, self._features)
        runtime.sample()
        self._made = asyncio.Runner(), runtime

    def run(self, job_id: UUID) -> None:
        assert self._made is not None, "only a worker's child runs jobs"  # noqa: S101 - for the type checker
        runner, runtime = self._made
        try:
            # In the context of this message, and not in the one that the loop was made in.
            job = run_job(runtime.database, self._settings, runtime.jobs, job_id)
            runner.run(job, context=copy_context())
            runtime.sample()
        except SoftTimeLimitExceeded:
            # It struck between the job's own steps, and the loop is in no known state: a new child gets a new one.
            log.exception("a job was stopped outside of its own code; its process ends", job_id=str(job_id))
            os.kill(os.getpid(), signal.SIGKILL)

    def stop(self) -> None:
        if self._made is not None:
            runner, runtime = self._made
            runner.run(runtime.close())
            runner.close()


class _Canary:
    """Messages to itself, through the broker and a child and back: a worker that they do not come back to ends (JB008).

    Failure: after a reconnect to the broker, workers were alive and took nothing, until somebody saw the queue grow.
    Each worker has a queue of its own for them, beside those of the jobs, since another worker would take them.
    """

    def __init__(self, app: Celery, settings: CoreSettings) -> None:
        self._app = app
        self._stalled = settings.worker_stalled_seconds
        self._worker: Any = None
        self._queue = ""
        self._declared = False
        self._over = threading.Event()
        # Memory that the children share with their parent: when one of them was last reached.
        self._memory = mmap.mmap(-1, 8)

    def sing(self) -> None:
        """In a child: a message has arrived."""
        self._memory[:8] = struct.pack("d", time.monotonic())

    @property
    def _sung(self) -> float:
        (sung,) = struct.unpack("d", self._memory[:8])
        return float(sung)

    def collect(self) -> Iterator[Metric]:
        """The canary's age, for Prometheus.

        Each worker tells its own on `METRICS_PORT`, where what it shares with its children is, and Prometheus's
        `instance` keeps many workers apart. A canary has no row, so the database and the API know nothing of it.
        """
        from prometheus_client.metrics_core import GaugeMetricFamily as Gauge  # noqa: PLC0415 - see metrics.py

        age = time.monotonic() - self._sung
        yield Gauge("worker_canary_age_seconds", "How long ago a message last came through this worker.", value=age)

    def take_place(self, worker: Any) -> None:
        """In the parent, before it consumes: add the queue of its canaries."""
        self._worker = worker
        self._queue = f"canary.{worker.hostname}.{os.getpid()}"
        expiring = Queue(self._queue, routing_key=self._queue, auto_delete=True, expires=self._stalled * 10)
        self._app.amqp.queues.select_add(expiring)

    def start(self) -> None:
        """In the parent, when it consumes: begin to watch, and to tell of it; its age counts from here."""
        self.sing()
        metrics.add(self)
        threading.Thread(target=self._watch, name="canary", daemon=True).start()

    def stop(self) -> None:
        """In the parent, when it is told to end: send no more."""
        self._over.set()

    def _watch(self) -> None:
        waiting_since: float | None = None
        while True:
            sent = self._send()
            now, sung = time.monotonic(), self._sung
            busy = len(worker_state.active_requests) >= self._worker.concurrency
            # A broker that is away is the consumer's to wait for, and no fault of this process. While every child
            # has a job, no canary reaches one; the limits of the jobs bound that.
            if busy or not sent:
                waiting_since = None
            elif waiting_since is None or sung >= waiting_since:
                waiting_since = now
            if waiting_since is not None and now - waiting_since > self._stalled:
                log.critical("no message has come through this worker: it ends, to be started again (JB008)")
                os._exit(1)
            worker_health.touch()
            if self._over.wait(self._stalled / _CHECKS):
                return

    def _send(self) -> bool:
        try:
            self._declare_dead_letters()
            self._app.send_task(_CANARY, queue=self._queue, expires=self._stalled)
        except Exception as error:  # noqa: BLE001 - each transport has errors of its own, and all mean the same here
            # It may have lost its queues with everything else.
            self._declared = False
            log.warning("the broker does not take the canary", error=f"{type(error).__name__}: {error}")
            return False
        return True

    def _declare_dead_letters(self) -> None:
        if not self._declared and str(self._app.conf.broker_url).startswith("amqp"):
            with self._app.connection_for_write() as connection:
                dead_letters()(connection.default_channel).declare()
        self._declared = True
