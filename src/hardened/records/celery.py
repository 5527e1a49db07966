"""Records of a Celery application: its settings, its tasks, and the queues that messages end up in."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Location


@dataclass(frozen=True)
class Delivery:
    """The queues that a message goes to; `problem` is the reason where it goes to none."""

    queues: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Task:
    """A registered task of the project.

    Attributes:
        name: the name it is registered under.
        location: the first line of its function.
        is_coroutine: the function is an `async def`, and nothing in the worker awaits it.
        acks_late: its message is acknowledged after it has run.
        rejects_when_lost: its message is rejected when its worker process dies.
        retries_when_lost: its message is retried, a bounded number of times, when its worker process dies.
        limit: the longest that it may run, in seconds; None where nothing ends it.
        max_retries: None where it is retried for ever.
        untyped: its parameters whose values nothing validates.
        delivery: the queues that its messages go to.
    """

    name: str
    location: Location
    is_coroutine: bool = False
    acks_late: bool = False
    rejects_when_lost: bool = False
    retries_when_lost: bool = False
    limit: float | None = None
    max_retries: int | None = 3
    untyped: tuple[str, ...] = ()
    delivery: Delivery = Delivery()


@dataclass(frozen=True)
class Binding:
    """A binding of a queue to an exchange; `kind` is the exchange's type."""

    queue: str
    exchange: str
    kind: str
    key: str


@dataclass(frozen=True)
class UnknownSetting:
    """A setting that Celery has none of, and the advice for it."""

    name: str
    hint: str


@dataclass(frozen=True)
class TaskName:
    """A name or pattern in the routes or the annotations. `is_registered`: a task has that name, or fits the pattern."""

    name: str
    is_registered: bool


@dataclass(frozen=True)
class Scheduled:
    """An entry of the schedule, and the queues that its messages go to."""

    entry: str
    task: str
    delivery: Delivery = Delivery()


@dataclass(frozen=True)
class CelerySettings:
    """The settings that rules judge.

    Attributes:
        default_queue: `task_default_queue`.
        default_routing_key: `task_default_routing_key`.
        creates_missing_queues: `task_create_missing_queues`.
        declares_queues: `task_queues` is given.
        has_routes: `task_routes` is given.
        route_keys: the routing keys in `task_routes`.
        acks_late: `task_acks_late`.
        rejects_when_lost: `task_reject_on_worker_lost`.
        retries_when_lost: `task_retry_on_worker_lost`; None where this release of Celery has no such setting.
        prefetch_multiplier: `worker_prefetch_multiplier`.
        disables_prefetch: `worker_disable_prefetch`.
        broker_scheme: the scheme of `broker_url`; never the address, which may hold a password.
        transport_options: the names in `broker_transport_options`.
        visibility_timeout: the seconds given there; None where none are.
        beat_scheduler: `beat_scheduler`.
    """

    default_queue: str = "celery"
    default_routing_key: str = "celery"
    creates_missing_queues: bool = True
    declares_queues: bool = False
    has_routes: bool = False
    route_keys: tuple[str, ...] = ()
    acks_late: bool = False
    rejects_when_lost: bool = False
    retries_when_lost: bool | None = None
    prefetch_multiplier: int = 4
    disables_prefetch: bool = False
    broker_scheme: str = ""
    transport_options: tuple[str, ...] = ()
    visibility_timeout: float | None = None
    beat_scheduler: str = ""


@dataclass(frozen=True)
class CeleryFacts:
    """The Celery application of the project.

    Attributes:
        settings: the settings that rules judge.
        unknown: the settings that Celery has none of, extensions' own left out.
        registered: the names of all registered tasks, Celery's own included.
        tasks: the project's tasks.
        queues: the names of the declared queues.
        consumed: the queues that a worker takes from where its command names none.
        bindings: the bindings of the declared queues.
        dead_letters: the queues for messages that others gave up on.
        bounds_deliveries: each declared queue has a delivery limit, so that the broker gives up by itself.
        routed: the names and patterns in `task_routes`.
        annotated: the names in `task_annotations`.
        scheduled: the entries of `beat_schedule`.
        further: the Celery applications besides this one that the project's modules hold: name and line.
    """

    settings: CelerySettings = CelerySettings()
    unknown: tuple[UnknownSetting, ...] = ()
    registered: frozenset[str] = frozenset()
    tasks: tuple[Task, ...] = ()
    queues: tuple[str, ...] = ()
    consumed: tuple[str, ...] = ()
    bindings: tuple[Binding, ...] = ()
    dead_letters: frozenset[str] = frozenset()
    bounds_deliveries: bool = False
    routed: tuple[TaskName, ...] = ()
    annotated: tuple[TaskName, ...] = ()
    scheduled: tuple[Scheduled, ...] = ()
    further: tuple[tuple[str, Location], ...] = ()
