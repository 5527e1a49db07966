"""JB013: something that is tried again without end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model import Finding, Location, Rule
from ...project import Project
from ...source.celery import dotted
from ...source.retries import circles, unbounded

if TYPE_CHECKING:
    pass


class JB013(Rule):
    """Something that is tried again without end.

    Named are: a Celery task with `max_retries=None`; a task that sends itself again where it caught an error;
    `retry(throw=False)` in a loop; `tenacity` without a `stop` or with `stop_never`; `stamina` with neither attempts
    nor a time; `backoff` with neither; and, in a job or a task, a `while True` that swallows an error and leaves when
    it succeeds.

    Quiet are: Celery's own three retries where nothing is said, `stamina`'s ten, a loop that counts or that raises in
    the end, a loop that is there for ever on purpose, and a broker connection that is tried for as long as it takes.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        source = project.celery_source
        if project.config.celery:
            for task in project.celery.tasks:
                if task.max_retries is None:
                    yield self.finding(
                        f"the task {task.name} has max_retries=None, so it is tried again for ever; give a number",
                        task.location,
                        task.name,
                    )
        for use in project.source.uses:
            if problem := unbounded(use):
                yield self.finding(f"{problem}, so it is tried again for ever; give a bound", use.location, use.name)
        for names in project.source.own:
            for node, within in names:
                for decorator in getattr(node, "decorator_list", ()):
                    if names.meaning(decorator) == "tenacity.retry":
                        yield self.finding(
                            "tenacity.retry has no stop, so it is tried again for ever; give a bound",
                            Location(names.file.path, decorator.lineno),
                            dotted(names.module, within),
                        )
        for job in (*source.tasks, *source.jobs(project.config.job_decorators)):
            for line, what in circles(job.node):
                yield self.finding(
                    f"{job.name.rpartition('.')[2]} {what}, so what always fails never ends; raise, and let the bounded "
                    "retries of jobs do it",
                    Location(job.location.file, line),
                    job.name,
                )
