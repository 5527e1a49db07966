"""JB012: a message that is lost with its worker, or comes back for ever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model import DoesNotApply, Finding, Rule
from ...project import Project
from ._shared import _line

if TYPE_CHECKING:
    from ...runtime.celery import CeleryFacts, Task


_LONG = 60.0


class JB012(Rule):
    """A message that is lost with its worker, or comes back for ever.

    Judged are the settings of the Celery application and of each of the project's tasks. `task_acks_late` off: what a
    worker holds is lost with it. On, and neither `task_retry_on_worker_lost` nor a bounded redelivery: the message of a
    child that was killed counts as done. `task_reject_on_worker_lost`: one that kills its child comes back for ever,
    also together with the other. `worker_prefetch_multiplier` above 1 with late acknowledgement, and tasks that may
    take longer than a minute: short jobs wait behind a long one while other workers idle.

    Quiet are: rejecting where every queue has a delivery limit, `--prefetch-multiplier=1` in each worker's command, and
    tasks that are short by their limit.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        celery = project.celery
        if not celery.tasks:
            raise DoesNotApply("the celery application has no task of the project's")
        conf = celery.conf
        late = bool(conf.task_acks_late)
        early = [task for task in celery.tasks if not task.acks_late]
        if not late and early:
            yield self._setting(
                project, "task_acks_late", False, "what a worker holds is lost when it dies; set it to True"
            )
        for task in early if late else ():
            yield self._task(task, "acks_late is off, so it is lost when its worker dies; leave it on")
        yield from self._lost(project, celery)
        many = conf.worker_prefetch_multiplier
        commands = [worker.prefetch for worker in project.workers]
        if (
            len(early) < len(celery.tasks)
            and many != 1
            and not getattr(conf, "worker_disable_prefetch", False)
            and not (commands and all(each == "1" for each in commands))
            and any(task.limit is None or task.limit > _LONG for task in celery.tasks if task.acks_late)
        ):
            yield self._setting(
                project,
                "worker_prefetch_multiplier",
                many,
                "with late acknowledgement, jobs wait behind a long one while other workers idle; set it to 1",
            )

    def _lost(self, project: Project, celery: CeleryFacts) -> Iterator[Finding]:
        conf = celery.conf
        rejects, retries = bool(conf.task_reject_on_worker_lost), bool(conf.get("task_retry_on_worker_lost"))
        if rejects and not celery.bounds_deliveries:
            why = "together with task_retry_on_worker_lost a message that kills its child never ends as failed"
            alone = "a message that kills its child comes back for ever"
            yield self._setting(
                project,
                "task_reject_on_worker_lost",
                True,
                f"{why if retries else alone}; use task_retry_on_worker_lost alone, which is bounded",
            )
        late = [task for task in celery.tasks if task.acks_late]
        if (
            late
            and not rejects
            and not retries
            and "task_retry_on_worker_lost" in conf
            and not all(task.retries_when_lost or task.rejects_when_lost for task in late)
        ):
            yield self._setting(
                project,
                "task_retry_on_worker_lost",
                False,
                "the message of a child that is killed counts as done; set it to True",
            )
        for task in late:
            if task.rejects_when_lost and not rejects and not celery.bounds_deliveries:
                yield self._task(
                    task,
                    "reject_on_worker_lost is on, so a message that kills its child comes back for ever; use "
                    "retry_on_worker_lost",
                )

    def _setting(self, project: Project, name: str, value: object, why: str) -> Finding:
        return self.finding(f"{name} is {value!r}: {why}", _line(project, name, value), name)

    def _task(self, task: Task, why: str) -> Finding:
        return self.finding(f"{task.name}: {why}", task.location, task.name)
