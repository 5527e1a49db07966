"""JB004: a job whose payload nothing checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model import DoesNotApply, Finding, Location, Rule
from ...project import Project
from ...runtime.payloads import untyped_fields

if TYPE_CHECKING:
    pass


class JB004(Rule):
    """A job whose payload nothing checks.

    Named are fields of the models that jobs take (the functions under one of `job-decorators`) which take anything:
    `Any`, `object`, a bare `dict`, `dict[str, Any]`, a bare `list`; a list that must be given and may be empty
    (`{"messages": []}`); a model that takes fields it does not have (`extra="allow"`), nested models included. And
    parameters of Celery tasks that have no type, or one of these.

    Quiet are: a list with a default, which says that none is fine; a list with a minimum; typed maps.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        decorators = project.config.job_decorators
        if not decorators and not project.config.celery:
            raise DoesNotApply("neither `job-decorators` nor `celery` in [tool.hardening]")
        seen: set[tuple[Location, str]] = set()
        for job in project.celery_source.jobs(decorators):
            if len(job.node.args.args) < 2:
                continue
            names = project.source.names(job.location.file or "")
            annotation = names.instance(job.node.args.args[1].annotation).removesuffix("()") if names else ""
            for field in untyped_fields(project, annotation):
                if (field.location, field.name) not in seen:
                    seen.add((field.location, field.name))
                    yield self.finding(
                        f"{field.name} {field.problem}, so what no job can use is enqueued and fails later, unseen; "
                        f"{field.advice}",
                        field.location,
                        field.name,
                    )
        for task in project.celery.tasks if project.config.celery else ():
            if task.untyped:
                yield self.finding(
                    f"the task {task.name} takes {', '.join(task.untyped)} without a type that is checked; give a model "
                    "(pydantic=True) or plain types",
                    task.location,
                    task.name,
                )
