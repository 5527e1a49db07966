"""The Celery application: its settings, its tasks, and the queues that messages end up in. It connects to nothing.

Celery 5.2 and newer.
"""

from __future__ import annotations

import difflib
import fnmatch
import inspect
import re
import warnings
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from ._guard import words
from ._world import Place, Unreadable, World

_PREFIXES = ("task_", "worker_", "broker_", "beat_", "result_", "event_", "control_")
_OLD_PREFIXES = ("CELERY_", "CELERYD_", "CELERYBEAT_", "BROKER_")
_OF_TASKS = {
    "autoretry_for",
    "dont_autoretry_for",
    "retry_kwargs",
    "retry_backoff",
    "retry_backoff_max",
    "retry_jitter",
    "max_retries",
    "default_retry_delay",
    "rate_limit",
    "pydantic",
    "priority",
    "throws",
    "bind",
    "base",
}
_CLOSE = 0.85
"""The likeness to one of Celery's names above which a name counts as a misspelling of it."""
_POOLS = ("prefork", "processes", "threads", "solo", "eventlet", "gevent")


def gather(world: World) -> dict[str, Any]:
    """Return the fields of `records.celery.CeleryFacts`."""
    application = world.there("celery")
    try:
        from celery import Celery
    except ImportError as error:
        raise Unreadable(f"the celery application cannot be read: {error}") from error
    # By its type: `current_app` is a proxy, and says of itself that it is an application.
    if not issubclass(type(application), Celery):
        raise Unreadable(f"the celery application is a {type(application).__name__}, not a celery.Celery")
    # Before anything reads the settings: a module's other applications must not be configured by this.
    further = list(_further(world, Celery, application))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            application.loader.import_default_modules()
            application.finalize(auto=True)
            return {**_Reader(world, application).facts(), "further": further}
    except KeyboardInterrupt:
        raise
    # Modules and routers of the project raise what they like, SystemExit included.
    except BaseException as error:
        text = " ".join(f"{type(error).__name__}: {words(error)}".split())
        raise Unreadable(f"the celery application cannot be read: {text}") from error


def _further(world: World, kind: type, application: object) -> Iterator[tuple[str, Place]]:
    """The other Celery applications that the project's modules hold, and the lines that first bind them."""
    for name, namespace in world.project_modules():
        for attribute, value in namespace.items():
            if issubclass(type(value), kind) and value is not application:
                yield f"{name}.{attribute}", _bound(world, str(namespace["__file__"]), attribute)


def _bound(world: World, path: str, name: str) -> Place:
    """The line of a module that first binds a name."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        lines = []
    pattern = re.compile(rf"\s*(.*\b)?{re.escape(name)}\b.*=")
    return world.place(path, next((number for number, each in enumerate(lines, 1) if pattern.match(each)), None))


class _Reader:
    """Reads one application that is finalized."""

    def __init__(self, world: World, application: Any) -> None:
        self.world = world
        self.app = application
        self.conf = application.conf
        self.declares_queues = bool(self.conf.task_queues)
        # First: asking where a message goes may add queues.
        self.declared = {str(name): queue for name, queue in application.amqp.queues.items()}
        self.consumed = sorted(map(str, application.amqp.queues.consume_from))
        self.bindings = list(self._bindings())

    def facts(self) -> dict[str, Any]:
        arguments = [queue.queue_arguments or {} for queue in self.declared.values()]
        return {
            "settings": self._settings(),
            "unknown": list(self._unknown()),
            "registered": sorted(map(str, self.app.tasks)),
            "tasks": list(self._tasks()),
            "queues": sorted(self.declared),
            "consumed": self.consumed,
            "bindings": self.bindings,
            "dead_letters": sorted(
                {str(each["x-dead-letter-routing-key"]) for each in arguments if "x-dead-letter-routing-key" in each}
            ),
            "bounds_deliveries": bool(arguments) and all("x-delivery-limit" in each for each in arguments),
            "routed": list(self._routed()),
            "annotated": list(self._annotated()),
            "scheduled": list(self._scheduled()),
        }

    # Settings

    def _settings(self) -> dict[str, Any]:
        conf, options = self.conf, self.conf.broker_transport_options or {}
        visibility = options.get("visibility_timeout")
        routes = conf.task_routes.values() if isinstance(conf.task_routes, Mapping) else ()
        multiplier = conf.worker_prefetch_multiplier
        scheme = re.match(r"[a-z][a-z0-9+.-]*(?=:)", str(conf.broker_url or ""), re.IGNORECASE)
        retries = bool(conf.task_retry_on_worker_lost) if "task_retry_on_worker_lost" in conf else None
        return {
            "default_queue": str(conf.task_default_queue),
            "default_routing_key": str(conf.task_default_routing_key),
            "creates_missing_queues": bool(conf.task_create_missing_queues),
            "declares_queues": self.declares_queues,
            "has_routes": bool(conf.task_routes),
            "route_keys": sorted(
                {str(each["routing_key"]) for each in routes if isinstance(each, Mapping) and "routing_key" in each}
            ),
            "acks_late": bool(conf.task_acks_late),
            "rejects_when_lost": bool(conf.task_reject_on_worker_lost),
            "retries_when_lost": retries,
            "prefetch_multiplier": int(multiplier) if isinstance(multiplier, (int, float)) else 4,
            "disables_prefetch": bool(conf.get("worker_disable_prefetch")),
            "broker_scheme": scheme.group().lower() if scheme else "",
            "transport_options": sorted(map(str, options)),
            "visibility_timeout": float(visibility) if isinstance(visibility, (int, float)) else None,
            "beat_scheduler": str(conf.beat_scheduler),
        }

    def _given(self) -> Iterator[tuple[str, bool]]:
        """The names of the settings that the project gives, new ones for old, and whether other things are among them."""
        from celery.app import defaults

        new_names = vars(defaults).get("_TO_NEW_KEY", {})
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
                if is_object and isinstance(mapping[key], (ModuleType, FunctionType, type)):
                    continue
                name = name[len(prefix) :] if prefix and name.startswith(prefix) else name
                name = name.lower() if prefix else name
                yield new_names.get(name, name), is_object and not prefix

    def _unknown(self) -> Iterator[dict[str, str]]:
        from celery.app import defaults

        known = frozenset(defaults.SETTING_KEYS)
        given: dict[str, bool] = {}
        for name, among_others in self._given():
            given[name] = given.get(name, False) or among_others
        for name, among_others in given.items():
            if name in known:
                continue
            near = next(iter(difflib.get_close_matches(name.lower(), known, 1, _CLOSE)), "")
            option = name[5:] if name.startswith("task_") else name
            if option in _OF_TASKS:
                yield {"name": name, "hint": f"give {option} to the tasks themselves"}
            elif near:
                yield {"name": name, "hint": f"did you mean {near}?"}
            elif name.startswith((*_PREFIXES, *_OLD_PREFIXES)) and not among_others:
                yield {"name": name, "hint": "remove it"}

    # Tasks

    def _tasks(self) -> Iterator[dict[str, Any]]:
        """The tasks whose functions are the project's."""
        for _, task in sorted(self.app.tasks.items()):
            run = inspect.unwrap(task.run)
            code = getattr(getattr(run, "__func__", run), "__code__", None)
            if code is not None and self.world.belongs(code.co_filename):
                yield self._task(task, run, self.world.place(code.co_filename, code.co_firstlineno))

    def _task(self, task: Any, run: Any, location: Place) -> dict[str, Any]:
        from celery.app.trace import task_has_custom

        # Some releases leave the limits of the settings to the worker.
        limits = [
            task.time_limit or self.conf.task_time_limit,
            task.soft_time_limit or self.conf.task_soft_time_limit,
        ]
        options = {key: value for key, value in task._get_exec_options().items() if value is not None}
        is_coroutine = inspect.iscoroutinefunction(run) and not task_has_custom(task, "__call__")
        return {
            "name": task.name,
            "location": location,
            # A pool of somebody's own may await it.
            "is_coroutine": is_coroutine and str(self.conf.worker_pool) in _POOLS,
            "acks_late": bool(task.acks_late),
            "rejects_when_lost": bool(task.reject_on_worker_lost),
            "retries_when_lost": bool(getattr(task, "retry_on_worker_lost", False)),
            "limit": next((float(limit) for limit in limits if limit), None),
            "max_retries": None if task.max_retries is None else int(task.max_retries),
            "untyped": list(_untyped(run)),
            "delivery": self._delivery(task.name, options),
        }

    # Queues

    def _delivery(self, name: str, options: dict[str, Any]) -> dict[str, Any]:
        """The queues of a message that is sent for a task with these options."""
        from celery.exceptions import QueueNotFound

        try:
            routed = self.app.amqp.router.route(dict(options), name)
        except QueueNotFound as error:
            return {"problem": str(error.args[0] if error.args else error)}
        except Exception:
            return {}  # a router of the project's own needs a real message
        queue, exchange, key = (routed.get(each) for each in ("queue", "exchange", "routing_key"))
        exchange = getattr(exchange, "name", exchange)
        if queue is None and exchange is None:
            queue = self.app.amqp.default_queue
        if isinstance(queue, str):
            queue = self.app.amqp.queues[queue]
        kind = routed.get("exchange_type") or getattr(getattr(queue, "exchange", None), "type", None)
        if kind is None:
            kind = next((each["kind"] for each in self.bindings if each["exchange"] == exchange), "direct")
        # As Celery does: past the exchange, to the queue by its name.
        if (not exchange or not key) and kind == "direct":
            if queue is None:
                return {"problem": f"its route names the exchange {exchange!r} and no routing key"}
            return {"queues": [str(queue.name)]}
        exchange = exchange or queue.exchange.name
        key = str(key or getattr(queue, "routing_key", None) or self.conf.task_default_routing_key or "")
        bound = [each["queue"] for each in self.bindings if each["exchange"] == exchange and _matches(each, key)]
        if not bound:
            return {"problem": f"no queue is bound to the exchange {exchange!r} with {key!r}"}
        return {"queues": list(dict.fromkeys(bound))}

    def _bindings(self) -> Iterator[dict[str, str]]:
        for name, queue in self.declared.items():
            for each in list(getattr(queue, "bindings", None) or ()) or [queue]:
                exchange = getattr(each, "exchange", None) or queue.exchange
                yield {
                    "queue": name,
                    "exchange": str(exchange.name),
                    "kind": str(exchange.type or "direct"),
                    "key": str(each.routing_key or ""),
                }

    # Names

    def _routed(self) -> Iterator[dict[str, Any]]:
        routes = self.conf.task_routes or ()
        for each in routes if isinstance(routes, (list, tuple)) else (routes,):
            if isinstance(each, Mapping):
                yield from map(self._named, each)
            elif isinstance(each, (list, tuple)):
                yield from (self._named(pair[0]) for pair in each if isinstance(pair, (list, tuple)) and pair)

    def _annotated(self) -> Iterator[dict[str, Any]]:
        annotations = self.conf.task_annotations or ()
        for each in annotations if isinstance(annotations, (list, tuple)) else (annotations,):
            if isinstance(each, Mapping):
                yield from map(self._named, each)

    def _named(self, key: Any) -> dict[str, Any]:
        """A name, glob or regular expression, and whether a task is registered under it."""
        text = key.pattern if isinstance(key, re.Pattern) else str(key)
        # As `celery.app.routes.MapRoute` does.
        pattern = key if isinstance(key, re.Pattern) else re.compile(fnmatch.translate(text)) if "*" in text else None
        fits = text in self.app.tasks if pattern is None else any(map(pattern.match, map(str, self.app.tasks)))
        return {"name": text, "is_registered": fits}

    def _scheduled(self) -> Iterator[dict[str, Any]]:
        for name, entry in (self.conf.beat_schedule or {}).items():
            task = entry.get("task") if isinstance(entry, Mapping) else getattr(entry, "task", None)
            options = entry.get("options") if isinstance(entry, Mapping) else getattr(entry, "options", None)
            if isinstance(task, str):
                delivery = self._delivery(task, dict(options or {}))
                yield {"entry": str(name), "task": task, "delivery": delivery}


def _matches(binding: Mapping[str, str], key: str) -> bool:
    """Check that an exchange puts a message with this key into the queue of a binding."""
    if binding["kind"] == "topic":
        pattern = re.escape(binding["key"]).replace(r"\#", ".*").replace(r"\*", "[^.]+")
        return re.fullmatch(pattern.replace(r"\..*", r"(?:\..*)?"), key) is not None
    return binding["kind"] != "direct" or binding["key"] == key


def _untyped(run: Any) -> Iterator[str]:
    """The parameters whose values nothing validates."""
    try:
        parameters = inspect.signature(run).parameters.values()
    except (TypeError, ValueError):
        return
    for each in parameters:
        text = each.annotation if isinstance(each.annotation, str) else inspect.formatannotation(each.annotation)
        is_open = re.fullmatch(r"(?:\w+\.)*(Any|object|dict|Dict|list|List|tuple|Mapping|Sequence)", text)
        is_loose = re.fullmatch(r"(?:\w+\.)*(dict|Dict|Mapping|MutableMapping)\[.*\b(Any|object)\]", text)
        if each.annotation is each.empty or is_open or is_loose:
            yield each.name
