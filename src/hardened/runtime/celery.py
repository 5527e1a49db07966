"""Facts from a Celery application: its settings, its tasks and where each message ends up. It connects to nothing."""

from __future__ import annotations

import difflib
import inspect
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, cast

from celery import Celery
from celery.app import defaults
from celery.app.trace import task_has_custom
from celery.exceptions import QueueNotFound

from ..model import NOWHERE, CouldNotLook, Location, one_line

_KNOWN: frozenset[str] = frozenset(defaults.SETTING_KEYS)
# celery-types has it not.
_NEW_NAMES: Mapping[str, str] = vars(defaults)["_TO_NEW_KEY"]
_PREFIXES = ("task_", "worker_", "broker_", "beat_", "result_", "event_", "control_")
_OF_TASKS = {
    "autoretry_for",
    "dont_autoretry_for",
    "retry_kwargs",
    "retry_backoff",
    "retry_backoff_max",
    "retry_jitter",
}
_OF_TASKS |= {"max_retries", "default_retry_delay", "rate_limit", "pydantic", "priority", "throws", "bind", "base"}
_OLD_PREFIXES = ("CELERY_", "CELERYD_", "CELERYBEAT_", "BROKER_")
_CLOSE = 0.85
"""How much a name must be like one of Celery's, so that it is taken for a misspelt one."""


@dataclass(frozen=True)
class Delivery:
    """Where a message goes: the names of queues. `problem` says why to none."""

    queues: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Task:
    """A registered task of the project. `limit` is the longest it may run, None where nothing ends it."""

    name: str
    location: Location
    is_coroutine: bool
    acks_late: bool
    rejects_when_lost: bool
    retries_when_lost: bool
    limit: float | None
    max_retries: int | None
    untyped: tuple[str, ...]
    delivery: Delivery


@dataclass(frozen=True)
class Binding:
    """A queue and how one exchange fills it."""

    queue: str
    exchange: str
    kind: str
    key: str


class CeleryFacts:
    """What one Celery application says of itself."""

    def __init__(self, application: object, root: Path) -> None:
        if not issubclass(type(application), Celery):
            raise CouldNotLook(f"the celery application is a {type(application).__name__}, not a celery.Celery")
        self.app: Any = cast("Any", application)
        self._root = root
        self._among_others: set[str] = set()  # settings from an object that may have settings of others too
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.app.loader.import_default_modules()
                self.app.finalize(auto=True)
            self.conf = self.app.conf
            self.tables_queues = bool(self.conf.task_queues)
            # Asking where a message goes may add queues.
            self.declared = {str(name): queue for name, queue in self.app.amqp.queues.items()}
            self.consumed_by_default = tuple(map(str, self.app.amqp.queues.consume_from))
        except Exception as error:
            # Whatever modules and routers of the project raise.
            raise CouldNotLook(
                one_line(f"the celery application cannot be read: {type(error).__name__}: {error}")
            ) from error

    # Settings

    @cached_property
    def given(self) -> dict[str, Any]:
        """The settings that somebody gave, under their new names."""
        found: dict[str, Any] = {}
        prefix = self.conf.prefix or ""
        for mapping in reversed(self.conf.maps[:-1]):
            # A module or class that settings are read from has other things in it as well.
            is_object = not isinstance(mapping, dict)
            for key in mapping:
                name = str(key)
                if name.startswith("_") or name == "deprecated_settings":
                    continue
                if is_object and prefix and not name.startswith(prefix):
                    continue
                value = mapping[key]
                if is_object and isinstance(value, (ModuleType, FunctionType, type)):
                    continue
                if is_object and not prefix:
                    self._among_others.add(name)
                name = name.removeprefix(prefix).lower() if prefix else name
                found[_NEW_NAMES.get(name, name)] = value
        return found

    @property
    def unknown(self) -> Iterator[tuple[str, str]]:
        """The settings that Celery has none of, and what to do instead; extensions' own are left out."""
        for name in self.given:
            if name in _KNOWN:
                continue
            near = next(iter(difflib.get_close_matches(name.lower(), _KNOWN, 1, _CLOSE)), "")
            option = name.removeprefix("task_")
            if option in _OF_TASKS:
                yield name, f"give {option} to the tasks themselves"
            elif near:
                yield name, f"did you mean {near}?"
            elif name.startswith((*_PREFIXES, *_OLD_PREFIXES)) and name not in self._among_others:
                yield name, "remove it"

    # Tasks

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of all registered tasks, Celery's own included."""
        return frozenset(map(str, self.app.tasks))

    @cached_property
    def tasks(self) -> list[Task]:
        """The project's tasks."""
        found = [self._task(task) for name, task in sorted(self.app.tasks.items())]
        return [task for task in found if task.location.file and not Path(task.location.file).is_absolute()]

    def _task(self, task: Any) -> Task:
        run = inspect.unwrap(task.run)
        limits = [task.time_limit, task.soft_time_limit]
        options = {key: value for key, value in task._get_exec_options().items() if value is not None}
        return Task(
            task.name,
            self._place(run),
            inspect.iscoroutinefunction(run) and not task_has_custom(task, "__call__") and self._is_plain_pool,
            bool(task.acks_late),
            bool(task.reject_on_worker_lost),
            bool(getattr(task, "retry_on_worker_lost", False)),
            next((float(limit) for limit in limits if limit), None),
            task.max_retries,
            tuple(_untyped(run)),
            self.delivery(task.name, options),
        )

    @property
    def _is_plain_pool(self) -> bool:
        return str(self.conf.worker_pool) in ("prefork", "processes", "threads", "solo", "eventlet", "gevent")

    def _place(self, function: Any) -> Location:
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        if code is None:
            return NOWHERE
        return Location.of(self._root, code.co_filename, code.co_firstlineno)

    # Queues

    @property
    def makes_queues(self) -> bool:
        """Whether a queue that nobody declared is made when something is sent to it."""
        return bool(self.conf.task_create_missing_queues)

    def delivery(self, name: str, options: Mapping[str, Any] | None = None) -> Delivery:
        """Where a message for this task goes that is sent with these options."""
        try:
            routed = self.app.amqp.router.route(dict(options or {}), name)
        except QueueNotFound as error:
            return Delivery(problem=str(error.args[0] if error.args else error))
        except Exception:  # noqa: BLE001 - a router of the project's own wants a real message: it cannot be asked
            return Delivery()
        queue, exchange, key = (routed.get(each) for each in ("queue", "exchange", "routing_key"))
        exchange = getattr(exchange, "name", exchange)
        if queue is None and exchange is None:
            queue = self.app.amqp.default_queue
        if isinstance(queue, str):
            queue = self.app.amqp.queues[queue]
        kind = routed.get("exchange_type") or getattr(getattr(queue, "exchange", None), "type", None)
        if kind is None:
            kind = next((each.kind for each in self.bindings if each.exchange == exchange), "direct")
        # As Celery does: past the exchange, to the queue by its name.
        if (not exchange or not key) and kind == "direct":
            if queue is None:
                return Delivery(problem=f"its route names the exchange {exchange!r} and no routing key")
            return Delivery((str(queue.name),))
        exchange = exchange or queue.exchange.name
        key = key or getattr(queue, "routing_key", None) or self.conf.task_default_routing_key or ""
        bound = [each for each in self.bindings if each.exchange == exchange and _reaches(each, str(key))]
        if not bound:
            return Delivery(problem=f"no queue is bound to the exchange {exchange!r} with {key!r}")
        return Delivery(tuple(dict.fromkeys(each.queue for each in bound)))

    @cached_property
    def bindings(self) -> list[Binding]:
        """How each declared queue is filled."""
        found = []
        for name, queue in self.declared.items():
            for each in list(getattr(queue, "bindings", None) or ()) or [queue]:
                exchange = getattr(each, "exchange", None) or queue.exchange
                found.append(
                    Binding(name, str(exchange.name), str(exchange.type or "direct"), str(each.routing_key or ""))
                )
        return found

    @property
    def dead_letters(self) -> set[str]:
        """What is named by a queue as the place for what it gives up on."""
        arguments = [queue.queue_arguments or {} for queue in self.declared.values()]
        return {str(each["x-dead-letter-routing-key"]) for each in arguments if "x-dead-letter-routing-key" in each}

    @property
    def bounds_deliveries(self) -> bool:
        """Whether the broker itself gives up on a message that kills its workers."""
        arguments = [queue.queue_arguments or {} for queue in self.declared.values()]
        return bool(arguments) and all("x-delivery-limit" in each for each in arguments)

    # Names

    @property
    def routed(self) -> Iterator[str]:
        """The names and patterns in the routes."""
        routes = self.conf.task_routes or ()
        for each in routes if isinstance(routes, (list, tuple)) else (routes,):
            if isinstance(each, Mapping):
                yield from (name.pattern if isinstance(name, re.Pattern) else str(name) for name in each)
            elif isinstance(each, (list, tuple)):
                yield from (str(pair[0]) for pair in each if isinstance(pair, (list, tuple)) and pair)

    @property
    def annotated(self) -> Iterator[str]:
        """The names in the annotations."""
        annotations = self.conf.task_annotations or ()
        for each in annotations if isinstance(annotations, (list, tuple)) else (annotations,):
            if isinstance(each, Mapping):
                yield from map(str, each)

    @property
    def scheduled(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Each entry of the schedule: its name, its task and the options that it is sent with."""
        for name, entry in (self.conf.beat_schedule or {}).items():
            task = entry.get("task") if isinstance(entry, Mapping) else getattr(entry, "task", None)
            options = entry.get("options") if isinstance(entry, Mapping) else getattr(entry, "options", None)
            if isinstance(task, str):
                yield str(name), task, dict(options or {})

    def has(self, pattern: str) -> bool:
        """Whether a task is registered under this name, or one that fits this pattern."""
        if pattern in self.names:
            return True
        if not re.search(r"[*?\[\](){}|^$+\\]", pattern):
            return False
        glob = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
        try:
            return any(re.match(f"{glob}$", name) or re.match(pattern, name) for name in self.names)
        except re.error:
            return any(re.match(f"{glob}$", name) for name in self.names)


def _reaches(binding: Binding, key: str) -> bool:
    if binding.kind == "topic":
        pattern = re.escape(binding.key).replace(r"\#", ".*").replace(r"\*", "[^.]+")
        return re.fullmatch(pattern.replace(r"\..*", r"(?:\..*)?"), key) is not None
    return binding.kind != "direct" or binding.key == key


def _untyped(run: Any) -> Iterator[str]:
    """The parameters whose values nothing checks."""
    try:
        parameters = inspect.signature(run).parameters.values()
    except (TypeError, ValueError):
        return
    for each in parameters:
        text = each.annotation if isinstance(each.annotation, str) else inspect.formatannotation(each.annotation)
        open_ended = re.fullmatch(r"(?:\w+\.)*(Any|object|dict|Dict|list|List|tuple|Mapping|Sequence)", text)
        loose = re.fullmatch(r"(?:\w+\.)*(dict|Dict|Mapping|MutableMapping)\[.*\b(Any|object)\]", text)
        if each.annotation is each.empty or open_ended or loose:
            yield each.name
