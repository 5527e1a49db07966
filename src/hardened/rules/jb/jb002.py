"""JB002: a queue that is filled and not emptied, or a name of Celery's that means nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ...model import Finding, Location, Rule
from ...project import Project
from ...source.tree import literal
from ._shared import _line

if TYPE_CHECKING:
    from ...deployment.workers import Worker
    from ...runtime.celery import CeleryFacts


_WHERE = {"procfile": "the Procfile", "dockerfile": "the Dockerfile", "kubernetes": "Kubernetes"}


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

    def check(self, project: Project) -> Iterator[Finding]:
        celery = project.celery
        yield from self._settings(project, celery)
        yield from self._names(project, celery)
        yield from self._tasks(project, celery)
        yield from self._bindings(project, celery)
        yield from self._workers(project, celery)

    def _settings(self, project: Project, celery: CeleryFacts) -> Iterator[Finding]:
        for name, instead in celery.unknown:
            yield self.finding(
                f"{name} is no setting of Celery's, which ignores it without a word; {instead}",
                _line(project, name),
                name,
            )
        default = {str(celery.conf.task_default_queue)}
        others = any(set(task.delivery.queues) - default for task in celery.tasks)
        has_queues = celery.tables_queues or celery.conf.task_routes or others
        if has_queues and celery.makes_queues:
            yield self.finding(
                "task_create_missing_queues is on, so a queue with a misspelt name is made, filled, and emptied by "
                "nobody; declare the queues in task_queues and set it to False",
                _line(project, "task_create_missing_queues", True),
                "task_create_missing_queues",
            )

    def _names(self, project: Project, celery: CeleryFacts) -> Iterator[Finding]:
        source = project.celery_source
        for setting, names in (("task_routes", celery.routed), ("task_annotations", celery.annotated)):
            for name in names:
                if not celery.has(name):
                    yield self.finding(
                        f"{setting} has {name!r}, and no task is registered under it; correct the name or remove it",
                        source.location(name) or _line(project, setting),
                        name,
                    )
        for entry, task, options in celery.scheduled:
            written = [each.location for each in source.settings.get("task", ()) if each.value == task]
            location = written[0] if written else source.location(entry) or _line(project, "beat_schedule")
            if task in celery.names and (problem := celery.delivery(task, options).problem):
                yield self.finding(
                    f"no queue gets what the schedule {entry!r} sends: {problem}; name a queue that is in task_queues",
                    location,
                    task,
                )
            if task not in celery.names:
                yield self.finding(
                    f"the schedule {entry!r} names the task {task!r}, and none is registered under it; correct the name "
                    "or remove the entry",
                    location,
                    task,
                )
        for name, location in source.queues()[0].items():
            if not celery.makes_queues and name not in celery.declared:
                yield self.finding(
                    f"a call names the queue {name!r}, and there is none such in task_queues; correct the name, or declare "
                    "it there",
                    location,
                    name,
                )
        for name, location in source.sent():
            if name not in celery.names:
                yield self.finding(
                    f"{name!r} is sent to a worker, and no task is registered under it; correct the name",
                    location,
                    name,
                )

    def _tasks(self, project: Project, celery: CeleryFacts) -> Iterator[Finding]:
        lost: dict[tuple[str, Location], list[str]] = {}
        for task in celery.tasks:
            if task.is_coroutine:
                yield self.finding(
                    f"the task {task.name} is an `async def`: Celery calls it and awaits nothing, so it never runs; make "
                    "it a plain `def`",
                    task.location,
                    task.name,
                )
            if task.delivery.problem:
                location = project.celery_source.location(task.name) if task.name in celery.routed else None
                default = str(celery.conf.task_default_queue)
                if location is None and repr(default) in task.delivery.problem:
                    location = _line(project, "task_default_queue", default)
                lost.setdefault((task.delivery.problem, location or task.location), []).append(task.name)
        for (problem, location), names in lost.items():
            yield self.finding(
                f"no queue gets what is sent for {', '.join(names)}: {problem}; name a queue that is in task_queues",
                location,
                names[0],
            )

    def _bindings(self, project: Project, celery: CeleryFacts) -> Iterator[Finding]:
        routes = celery.conf.task_routes
        values = routes.values() if isinstance(routes, Mapping) else ()
        used = {str(each.get("routing_key")) for each in values if isinstance(each, Mapping)}
        used |= {str(celery.conf.task_default_routing_key), *celery.dead_letters}
        for use in project.source.uses:
            if project.celery_source.sends(use):
                used.add(str(literal(use.argument("routing_key"))))
        for each in celery.bindings if celery.tables_queues else ():
            if each.kind != "direct" or not each.exchange or each.key in (each.queue, *used):
                continue
            meant = "and a direct exchange takes it for a name, not for a pattern" if set("#*") & set(each.key) else ""
            location = project.celery_source.location("routing_key", each.key) or _line(project, "task_queues")
            yield self.finding(
                f"the queue {each.queue!r} is bound to the exchange {each.exchange!r} with the key {each.key!r}, "
                f"{meant or 'with which nothing is sent'}; bind it with its own name, or make the exchange a topic",
                location,
                each.queue,
            )

    def _workers(self, project: Project, celery: CeleryFacts) -> Iterator[Finding]:
        sent, open_ended = self._sent(project, celery)
        default = str(celery.conf.task_default_queue)
        wanted = dict(sent)
        if celery.tables_queues:
            for name in set(celery.declared) - celery.dead_letters - {default}:
                wanted.setdefault(name, ("it is in task_queues", Location()))
        groups: dict[str, list[Worker]] = {}
        for worker in project.workers:
            groups.setdefault(worker.process.kind, []).append(worker)
        if len(groups) > 1:
            groups.pop("dockerfile", None)  # its command is what the others leave to it
        for kind, group in groups.items():
            taken: set[str] = set()
            for worker in group:
                names = celery.consumed_by_default if worker.queues is None else worker.queues
                taken.update(set(names) - set(worker.without))
            told = next((each for each in group if each.queues is not None or each.without), group[0])
            for name, (why, location) in sorted(wanted.items()):
                if name not in taken and not any(each.unknown for each in group):
                    declared = celery.tables_queues and name in celery.declared
                    yield self.finding(
                        f"no worker in {_WHERE.get(kind, kind)} takes from the queue {name!r} ({why}); {_advice(told)}",
                        told.process.location if declared or not location.file else location,
                        name,
                    )
            for worker in group:
                for name in worker.queues or ():
                    known = name in sent or (name in celery.declared and (open_ended or name == default))
                    if not known and not worker.unknown and not (open_ended and not celery.tables_queues):
                        missing = "nothing is sent to it" if name in celery.declared else "there is no such queue"
                        yield self.finding(
                            f"{worker.process.name} takes from the queue {name!r}, and {missing}; correct the name, or "
                            "route a task to it",
                            worker.process.location,
                            name,
                        )

    @staticmethod
    def _sent(project: Project, celery: CeleryFacts) -> tuple[dict[str, tuple[str, Location]], bool]:
        """The queues that something is sent to, what and where, and whether only running it tells all of them."""
        sent: dict[str, tuple[str, Location]] = {}
        for task in celery.tasks:
            for name in task.delivery.queues:
                sent.setdefault(name, (f"the task {task.name} goes there", task.location))
        for entry, task_name, options in celery.scheduled:
            for name in celery.delivery(task_name, options).queues:
                sent.setdefault(name, (f"the schedule {entry} goes there", _line(project, "beat_schedule")))
        named_queues, open_ended = project.celery_source.queues()
        for name, location in named_queues.items():
            if celery.makes_queues or name in celery.declared:
                sent.setdefault(name, ("a call names it", location))
        return sent, open_ended


def _advice(worker: Worker) -> str:
    if worker.queues is None:
        return "give a worker this queue with -Q, or declare it in task_queues"
    return f"add it to the -Q of {worker.process.name}, or send nothing there"
