"""JB012: a message that is lost with its worker, or comes back for ever."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...config.table import Config
from ...deployment.workers import Worker
from ...model import DoesNotApply, Finding, Rule
from ...records.celery import CeleryFacts, Task
from ...source.celery import CelerySource
from ._shared import SettingLines

_LONG = 60.0
"""The seconds above which a task makes those behind it wait."""


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

    def check(
        self, celery: CeleryFacts, celery_source: CelerySource, workers: Sequence[Worker], config: Config
    ) -> Iterator[Finding]:
        if not celery.tasks:
            raise DoesNotApply("the celery application has no task of the project's")
        lines = SettingLines(celery_source, config)
        yield from self._early(celery, lines)
        yield from self._endless(celery, lines)
        yield from self._counts_as_done(celery, lines)
        yield from self._prefetched(celery, workers, lines)

    def _early(self, celery: CeleryFacts, lines: SettingLines) -> Iterator[Finding]:
        early = [task for task in celery.tasks if not task.acks_late]
        if early and not celery.settings.acks_late:
            yield self._setting(
                lines, "task_acks_late", False, "what a worker holds is lost when it dies", "set it to True"
            )
            return
        for task in early:
            yield self._task(task, "acks_late is off, so it is lost when its worker dies", "leave it on")

    def _endless(self, celery: CeleryFacts, lines: SettingLines) -> Iterator[Finding]:
        settings = celery.settings
        if celery.bounds_deliveries:
            return
        if settings.rejects_when_lost:
            both = "together with task_retry_on_worker_lost a message that kills its child never ends as failed"
            alone = "a message that kills its child comes back for ever"
            yield self._setting(
                lines,
                "task_reject_on_worker_lost",
                True,
                both if settings.retries_when_lost else alone,
                "use task_retry_on_worker_lost alone, which is bounded",
            )
            return
        for task in celery.tasks:
            if task.acks_late and task.rejects_when_lost:
                yield self._task(
                    task,
                    "reject_on_worker_lost is on, so a message that kills its child comes back for ever",
                    "use retry_on_worker_lost",
                )

    def _counts_as_done(self, celery: CeleryFacts, lines: SettingLines) -> Iterator[Finding]:
        late = [task for task in celery.tasks if task.acks_late]
        # None: a release of Celery without the setting.
        off = celery.settings.retries_when_lost is False and not celery.settings.rejects_when_lost
        if late and off and not all(task.retries_when_lost or task.rejects_when_lost for task in late):
            why = "the message of a child that is killed counts as done"
            yield self._setting(lines, "task_retry_on_worker_lost", False, why, "set it to True")

    def _prefetched(self, celery: CeleryFacts, workers: Sequence[Worker], lines: SettingLines) -> Iterator[Finding]:
        many = celery.settings.prefetch_multiplier
        is_one = many == 1 or celery.settings.disables_prefetch
        in_commands = bool(workers) and all(each.prefetch == "1" for each in workers)
        long = any(task.limit is None or task.limit > _LONG for task in celery.tasks if task.acks_late)
        if long and not is_one and not in_commands:
            why = "with late acknowledgement, jobs wait behind a long one while other workers idle"
            yield self._setting(lines, "worker_prefetch_multiplier", many, why, "set it to 1")

    def _setting(self, lines: SettingLines, name: str, value: object, why: str, hint: str) -> Finding:
        return self.finding(f"{name} is {value!r}: {why}", lines.of(name, value), name, hint=hint)

    def _task(self, task: Task, why: str, hint: str) -> Finding:
        return self.finding(f"{task.name}: {why}", task.location, task.name, hint=hint)
