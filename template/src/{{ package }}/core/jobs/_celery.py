# Owned by the template.
"""The one Celery application (JB007): its settings, each with the failure that it prevents, and how jobs are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from celery import Celery
from kombu import Queue

from ..settings import CoreSettings
from ._errors import UnknownJobKindError
from ._kinds import DEFAULT_QUEUE, JobRegistry
from ._limits import HARD_SECONDS, SOFT_SECONDS
from ._models import Job

__all__ = ["RUN_JOB", "Message", "Sender", "dead_letters", "make_celery"]

RUN_JOB: Final = "jobs.run"
"""The name of the one task: it is given a job's identifier, and the row says the rest."""

DEAD_LETTERS: Final = "dead-letters"
"""The queue of what RabbitMQ gave up to deliver; nobody consumes it, somebody should look."""

_DELIVERIES: Final = 5
# The relay's and the reconciler's.
_CONNECTIONS: Final = 2
_TASKS_PER_CHILD: Final = 1_000
_BROKER_SECONDS: Final = 5.0


def make_celery(settings: CoreSettings, kinds: JobRegistry) -> Celery:
    """A Celery application with this service's settings and queues, which sends and does nothing yet."""
    longest = max((kind.timeout for kind in kinds), default=0.0)
    address = "" if settings.broker_url is None else settings.broker_url.get_secret_value()
    on_rabbit = address.startswith("amqp")
    app = Celery("jobs", broker=address or None, set_as_current=False)
    app.conf.update(
        broker_transport_options=_rabbit_options() if on_rabbit else _redis_options(settings),
        # Failure: a worker that started before its broker ended at once.
        broker_connection_retry_on_startup=True,
        # Failure: after 100 attempts, some minutes of a broker's absence, a worker gave up for good.
        broker_connection_max_retries=None,
        broker_connection_timeout=_BROKER_SECONDS,
        # Failure: without a limit, what the broker did not take was tried again for as long as it was away, by a
        # thread of the API. One more try takes a new connection for one that the broker has closed.
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0},
        task_queues=[_queue(name, on_rabbit=on_rabbit) for name in kinds.queues],
        task_default_queue=DEFAULT_QUEUE,
        # Failure: a misspelt queue was made, filled, and consumed by nobody: 9,939 jobs lay in it (JB002).
        task_create_missing_queues=False,
        # Failure: acknowledged when it was received, a message was lost with the worker that held it.
        task_acks_late=True,
        # Failure: with late acknowledgement alone, the message of a child that was killed counted as done; and with
        # `task_reject_on_worker_lost` one that kills its child came back for ever. This one is bounded.
        task_retry_on_worker_lost=True,
        # Failure: a job that took too long would be delivered again, and take too long again. Its row counts attempts.
        task_acks_on_timeout=True,
        # Failure: with four messages for each child, short jobs waited behind a long one while other workers idled.
        worker_prefetch_multiplier=1,
        # Failure: a job that blocked for ever kept its child for ever. Each message carries the limits of its own
        # kind; the first one shows in the log where it stood, the second kills.
        task_soft_time_limit=longest + SOFT_SECONDS,
        task_time_limit=longest + HARD_SECONDS,
        # Failure: children grew until the machine killed some process.
        worker_max_tasks_per_child=_TASKS_PER_CHILD,
        worker_max_memory_per_child=settings.worker_child_megabytes * 1024,
        # Failure: results that nobody read filled the broker, and with it down, sending blocked for 20 s.
        result_backend=None,
        task_ignore_result=True,
        # Failure: pickle runs what it is sent.
        task_serializer="json",
        accept_content=["json"],
        # What a child inherits by `fork` is made before; what holds a connection is made after it.
        worker_pool_start_method="fork",
        # Failure: the consumer of remote commands stalled workers after a reconnect. The table of jobs tells more.
        worker_enable_remote_control=False,
        # The row's lease keeps a job that is delivered again from being done twice.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    return app


Message: TypeAlias = tuple[Job, Mapping[str, str]]
"""A job to send, and the headers of its message."""


class Sender:
    """Sends jobs' identifiers to their queues, over connections of its own.

    Failure: those that Celery keeps belong to every application of the process with the same broker: one that was
    closed closed them for all, and the others said "Acquire on closed pool" for ever.
    """

    def __init__(self, settings: CoreSettings, kinds: JobRegistry) -> None:
        """Connects to nothing (CL001)."""
        self._app = make_celery(settings, kinds)
        self._kinds = kinds
        self._connections = self._app.connection_for_write().Pool(limit=_CONNECTIONS)

    def publish(self, messages: Sequence[Message]) -> None:
        """Send these; blocks, and raises whatever the broker's client does."""
        with (
            self._connections.acquire(block=True, timeout=_BROKER_SECONDS) as connection,
            self._app.amqp.Producer(connection, auto_declare=False) as producer,
        ):
            for row, headers in messages:
                options = {"task_id": str(row.id), "headers": headers, **_options(self._kinds, row)}
                self._app.send_task(RUN_JOB, (str(row.id),), producer=producer, **options)

    def close(self) -> None:
        """Close the connections."""
        self._connections.force_close_all()


def _options(kinds: JobRegistry, row: Job) -> dict[str, Any]:
    try:
        kind = kinds[row.kind]
    except UnknownJobKindError:
        # Of newer or older code: whoever takes it says so in its row.
        return {"queue": DEFAULT_QUEUE}
    return {
        "queue": kind.queue,
        "soft_time_limit": kind.timeout + SOFT_SECONDS,
        "time_limit": kind.timeout + HARD_SECONDS,
    }


def _redis_options(settings: CoreSettings) -> dict[str, Any]:
    return {
        # Failure: shorter than a job, and its message went to a second worker while the first was at it.
        "visibility_timeout": settings.broker_visibility_seconds,
        # Failure: with the defaults, Redis is searched for messages of dead workers every hundred seconds.
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        # Failure: a connection whose other end is gone without a word was written to for ever.
        "socket_timeout": _BROKER_SECONDS,
        "socket_connect_timeout": _BROKER_SECONDS,
        "socket_keepalive": True,
    }


def _rabbit_options() -> dict[str, Any]:
    return {
        # Failure: a message that the broker refused was lost without an error.
        "confirm_publish": True,
        "read_timeout": _BROKER_SECONDS,
        "write_timeout": _BROKER_SECONDS,
    }


def _queue(name: str, *, on_rabbit: bool) -> Queue:
    if not on_rabbit:
        return Queue(name, routing_key=name)
    arguments = {
        # Failure: a classic queue is gone with its node's disk; a quorum queue is on several nodes where there are.
        "x-queue-type": "quorum",
        # Failure: a message that kills its worker was delivered for ever.
        "x-delivery-limit": _DELIVERIES,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": DEAD_LETTERS,
    }
    return Queue(name, routing_key=name, queue_arguments=arguments)


def dead_letters() -> Queue:
    """The queue of undeliverable messages, bounded in length and time, for who looks after RabbitMQ."""
    arguments = {"x-queue-type": "quorum", "x-max-length": 10_000, "x-message-ttl": 7 * 86_400_000}
    return Queue(DEAD_LETTERS, routing_key=DEAD_LETTERS, queue_arguments=arguments)
