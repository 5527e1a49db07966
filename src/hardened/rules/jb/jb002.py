"""JB002: a queue that is filled and not emptied, or a name of Celery's that means nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...config.table import Config
from ...deployment.workers import Worker
from ...model import NOWHERE, Finding, Location, Rule
from ...records.celery import Binding, CeleryFacts
from ...source.celery import CelerySource
from ...source.tree import Source, literal
from ._shared import SettingLines

_FILES = {"procfile": "the Procfile", "dockerfile": "the Dockerfile", "kubernetes": "Kubernetes"}


class JB002(Rule):
    """A queue that is filled and not emptied, or a name of Celery's that means nothing.

    Each task's route is followed to a queue, and each queue to a worker's command in compose, Kubernetes and the
    Procfile, each of them by itself. Named are: a task that no queue gets; a queue that no worker takes from; a
    worker's queue that there is none of or that nothing is sent to; a binding to a direct exchange that can match
    nothing; names in routes, annotations, schedules, `send_task` and `signature` under which no task is registered;
    settings that Celery has none of, which it ignores; `async def` tasks, which it does not await; and
    `task_create_missing_queues` left on where queues are declared or routed to.

    Quiet are: a default queue to which nothing is sent, queues for dead letters, workers that together take all,
    workers of a profile, a command whose queues only its environment tells, and settings of Celery's extensions.
    """

    def check(
        self,
        celery: CeleryFacts,
        celery_source: CelerySource,
        source: Source,
        workers: Sequence[Worker],
        config: Config,
    ) -> Iterator[Finding]:
        lines = SettingLines(celery_source, config)
        yield from self._unknown_settings(celery, lines)
        yield from self._missing_queues(celery, lines)
        yield from self._unregistered(celery, celery_source, lines)
        yield from self._schedule(celery, celery_source, lines)
        yield from self._calls(celery, celery_source)
        yield from self._coroutines(celery)
        yield from self._undelivered(celery, celery_source, lines)
        yield from self._bindings(celery, celery_source, source, lines)
        traffic = _Traffic(celery, celery_source, lines)
        for kind, group in _by_file(workers).items():
            yield from self._untaken(celery, traffic, kind, group)
            yield from self._idle(celery, traffic, group)

    def _unknown_settings(self, celery: CeleryFacts, lines: SettingLines) -> Iterator[Finding]:
        for each in celery.unknown:
            yield self.finding(
                f"{each.name} is no setting of Celery's, which ignores it without a word",
                lines.of(each.name),
                each.name,
                hint=each.hint,
            )

    def _missing_queues(self, celery: CeleryFacts, lines: SettingLines) -> Iterator[Finding]:
        settings = celery.settings
        several = any(set(task.delivery.queues) - {settings.default_queue} for task in celery.tasks)
        if settings.creates_missing_queues and (settings.declares_queues or settings.has_routes or several):
            yield self.finding(
                "task_create_missing_queues is on, so a queue with a misspelt name is made, filled, and emptied by nobody",
                lines.of("task_create_missing_queues", True),
                "task_create_missing_queues",
                hint="declare the queues in task_queues and set it to False",
            )

    def _unregistered(self, celery: CeleryFacts, source: CelerySource, lines: SettingLines) -> Iterator[Finding]:
        for setting, names in (("task_routes", celery.routed), ("task_annotations", celery.annotated)):
            for each in names:
                if not each.is_registered:
                    yield self.finding(
                        f"{setting} has {each.name!r}, and no task is registered under it",
                        source.location(each.name) or lines.of(setting),
                        each.name,
                        hint="correct the name or remove it",
                    )

    def _schedule(self, celery: CeleryFacts, source: CelerySource, lines: SettingLines) -> Iterator[Finding]:
        for each in celery.scheduled:
            written = [one.location for one in source.settings.get("task", ()) if one.value == each.task]
            location = written[0] if written else source.location(each.entry) or lines.of("beat_schedule")
            if each.task not in celery.registered:
                yield self.finding(
                    f"the schedule {each.entry!r} names the task {each.task!r}, and none is registered under it",
                    location,
                    each.task,
                    hint="correct the name or remove the entry",
                )
            elif each.delivery.problem:
                yield self.finding(
                    f"no queue gets what the schedule {each.entry!r} sends: {each.delivery.problem}",
                    location,
                    each.task,
                    hint="name a queue that is in task_queues",
                )

    def _calls(self, celery: CeleryFacts, source: CelerySource) -> Iterator[Finding]:
        for name, location in source.queues()[0].items():
            if not celery.settings.creates_missing_queues and name not in celery.queues:
                yield self.finding(
                    f"a call names the queue {name!r}, and there is none such in task_queues",
                    location,
                    name,
                    hint="correct the name, or declare it there",
                )
        for name, location in source.sent():
            if name not in celery.registered:
                yield self.finding(
                    f"{name!r} is sent to a worker, and no task is registered under it",
                    location,
                    name,
                    hint="correct the name",
                )

    def _coroutines(self, celery: CeleryFacts) -> Iterator[Finding]:
        for task in celery.tasks:
            if task.is_coroutine:
                yield self.finding(
                    f"the task {task.name} is an `async def`: Celery calls it and awaits nothing, so it never runs",
                    task.location,
                    task.name,
                    hint="make it a plain `def`",
                )

    def _undelivered(self, celery: CeleryFacts, source: CelerySource, lines: SettingLines) -> Iterator[Finding]:
        """One finding for all tasks that are lost for the same reason at the same line."""
        lost: dict[tuple[str, Location], list[str]] = {}
        default, routed = celery.settings.default_queue, {each.name for each in celery.routed}
        for task in celery.tasks:
            problem = task.delivery.problem
            if not problem:
                continue
            location = source.location(task.name) if task.name in routed else None
            if location is None and repr(default) in problem:
                location = lines.of("task_default_queue", default)
            lost.setdefault((problem, location or task.location), []).append(task.name)
        for (problem, location), names in lost.items():
            yield self.finding(
                f"no queue gets what is sent for {', '.join(names)}: {problem}",
                location,
                names[0],
                hint="name a queue that is in task_queues",
            )

    def _bindings(
        self, celery: CeleryFacts, celery_source: CelerySource, source: Source, lines: SettingLines
    ) -> Iterator[Finding]:
        if not celery.settings.declares_queues:
            return
        used = {celery.settings.default_routing_key, *celery.settings.route_keys, *celery.dead_letters}
        used |= {str(literal(each.argument("routing_key"))) for each in source.uses if celery_source.sends(each)}
        for each in celery.bindings:
            if each.kind != "direct" or not each.exchange or each.key in (each.queue, *used):
                continue
            yield self.finding(
                f"the queue {each.queue!r} is bound to the exchange {each.exchange!r} with the key {each.key!r}, "
                f"{_mistake(each)}",
                celery_source.location("routing_key", each.key) or lines.of("task_queues"),
                each.queue,
                hint="bind it with its own name, or make the exchange a topic",
            )

    def _untaken(
        self, celery: CeleryFacts, traffic: _Traffic, kind: str, workers: Sequence[Worker]
    ) -> Iterator[Finding]:
        """The queues that none of the workers of one kind of file takes from."""
        if any(each.unknown for each in workers):
            return
        taken: set[str] = set()
        for worker in workers:
            taken.update(set(celery.consumed if worker.queues is None else worker.queues) - set(worker.without))
        chosen = next((each for each in workers if each.queues is not None or each.without), workers[0])
        for name, (why, location) in sorted(traffic.wanted.items()):
            if name not in taken:
                is_declared = celery.settings.declares_queues and name in celery.queues
                yield self.finding(
                    f"no worker in {_FILES.get(kind, kind)} takes from the queue {name!r} ({why})",
                    chosen.process.location if is_declared or not location.file else location,
                    name,
                    hint=_advice(chosen),
                )

    def _idle(self, celery: CeleryFacts, traffic: _Traffic, workers: Sequence[Worker]) -> Iterator[Finding]:
        """The queues that a worker takes from and nothing is sent to."""
        default, declares = celery.settings.default_queue, celery.settings.declares_queues
        for worker in workers:
            if worker.unknown or (traffic.is_open and not declares):
                continue
            for name in worker.queues or ():
                is_declared = name in celery.queues
                if name in traffic.sent or (is_declared and (traffic.is_open or name == default)):
                    continue
                missing = "nothing is sent to it" if is_declared else "there is no such queue"
                yield self.finding(
                    f"{worker.process.name} takes from the queue {name!r}, and {missing}",
                    worker.process.location,
                    name,
                    hint="correct the name, or route a task to it",
                )


class _Traffic:
    """The queues that something is sent to.

    Attributes:
        sent: the queues, each with what is sent there and where that is written.
        wanted: these, and the declared ones that workers have to take from.
        is_open: a call names a queue that only running it tells.
    """

    def __init__(self, celery: CeleryFacts, source: CelerySource, lines: SettingLines) -> None:
        self.sent: dict[str, tuple[str, Location]] = {}
        for task in celery.tasks:
            for name in task.delivery.queues:
                self.sent.setdefault(name, (f"the task {task.name} goes there", task.location))
        for each in celery.scheduled:
            for name in each.delivery.queues:
                self.sent.setdefault(name, (f"the schedule {each.entry} goes there", lines.of("beat_schedule")))
        named, self.is_open = source.queues()
        for name, location in named.items():
            if celery.settings.creates_missing_queues or name in celery.queues:
                self.sent.setdefault(name, ("a call names it", location))
        self.wanted = dict(self.sent)
        if celery.settings.declares_queues:
            for name in set(celery.queues) - celery.dead_letters - {celery.settings.default_queue}:
                self.wanted.setdefault(name, ("it is in task_queues", NOWHERE))


def _by_file(workers: Sequence[Worker]) -> dict[str, list[Worker]]:
    """The workers, by the kind of file that starts them."""
    groups: dict[str, list[Worker]] = {}
    for worker in workers:
        groups.setdefault(worker.process.kind, []).append(worker)
    if len(groups) > 1:
        groups.pop("dockerfile", None)  # its command is what the others leave to it
    return groups


def _mistake(binding: Binding) -> str:
    if set("#*") & set(binding.key):
        return "and a direct exchange takes it for a name, not for a pattern"
    return "with which nothing is sent"


def _advice(worker: Worker) -> str:
    if worker.queues is None:
        return "give a worker this queue with -Q, or declare it in task_queues"
    return f"add it to the -Q of {worker.process.name}, or send nothing there"
