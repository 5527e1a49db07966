"""JB004: a job whose payload nothing checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...config.table import Config
from ...model import Finding, Location, NotConfigured, Rule
from ...records.celery import CeleryFacts
from ...records.settings import Model, OpenField
from ...source.celery import CelerySource
from ...source.tree import Source


class JB004(Rule):
    """A job whose payload nothing checks.

    Named are fields of the models that jobs take (the functions under one of `job-decorators`) which take anything:
    `Any`, `object`, a bare `dict`, `dict[str, Any]`, a bare `list`; a list that must be given and may be empty
    (`{"messages": []}`); a model that takes fields it does not have (`extra="allow"`), nested models included. And
    parameters of Celery tasks that have no type, or one of these.

    Quiet are: a list with a default, which says that none is fine; a list with a minimum; typed maps.
    """

    def check(
        self,
        config: Config,
        source: Source,
        celery_source: CelerySource,
        models: Mapping[str, Model] | None = None,
        celery: CeleryFacts | None = None,
    ) -> Iterator[Finding]:
        if not config.job_decorators and not config.celery:
            raise NotConfigured("neither `job-decorators` nor `celery` in [tool.hardening]")
        seen: set[tuple[Location, str]] = set()
        for job in celery_source.jobs(config.job_decorators):
            names = source.names(job.location.file or "")
            if len(job.node.args.args) < 2 or names is None:
                continue
            payload = names.instance(job.node.args.args[1].annotation).removesuffix("()")
            for field in _open_fields(models or {}, payload):
                if (field.location, field.name) not in seen:
                    seen.add((field.location, field.name))
                    yield self.finding(
                        f"{field.name} {field.problem}, so what no job can use is enqueued and fails later, unseen",
                        field.location,
                        field.name,
                        hint=field.hint,
                    )
        for task in celery.tasks if celery else ():
            if task.untyped:
                yield self.finding(
                    f"the task {task.name} takes {', '.join(task.untyped)} without a type that is checked",
                    task.location,
                    task.name,
                    hint="give a model (pydantic=True) or plain types",
                )


def _open_fields(models: Mapping[str, Model], name: str) -> Iterator[OpenField]:
    """The fields of a model, and of the models in it, that take too much."""
    pending, seen = [name], set()
    while pending:
        each = pending.pop(0)
        model = models.get(each)
        if model is not None and model.names not in seen:
            seen.add(model.names)
            yield from model.open_fields
            pending += model.models
