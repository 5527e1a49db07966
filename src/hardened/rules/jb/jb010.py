"""JB010: a job that is sent before its row is committed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model import Finding, Rule
from ...project import Project
from ...source.celery import dotted, inside
from ...source.symbols import CallSite
from ._shared import _dispatchers

if TYPE_CHECKING:
    pass


class JB010(Rule):
    """A job that is sent before its row is committed.

    Named are, outside of the modules in `dispatchers`: `delay`, `apply_async` and `send_task` of Celery's, whatever
    they are called on; a message that kombu publishes; a queue of another library; and a task or job handed to
    `BackgroundTasks.add_task`, which nothing repeats when the process ends.

    Quiet are: `enqueue` in the transaction, a pool of processes with its own `apply_async`, other background tasks, and
    a task called as a plain function.
    """

    OTHERS = ("rq.", "arq.", "huey.", "dramatiq.", "taskiq.")
    CALLS = frozenset({"enqueue", "enqueue_job", "enqueue_in", "enqueue_at", "send", "send_with_options", "kiq"})

    def check(self, project: Project) -> Iterator[Finding]:
        allowed = _dispatchers(project)
        source = project.celery_source
        jobs = {each.name for each in source.jobs(project.config.job_decorators)}
        instead = (project.config.hand_on or ("enqueue",))[0].rpartition(".")[2]
        for use in project.source.uses:
            if inside(use.module, allowed):
                continue
            if source.sends(use) or self._publishes(use):
                yield self.finding(
                    f"{use.last}() sends a job before what it needs is committed, or loses it with the broker; use "
                    f"{instead} in the transaction",
                    use.location,
                    dotted(use.module, use.within),
                )
            elif use.last == "add_task" and self._is_job(project, use, jobs):
                yield self.finding(
                    f"a background task of the response is lost when the process ends; use {instead} in the transaction",
                    use.location,
                    dotted(use.module, use.within),
                )

    def _publishes(self, use: CallSite) -> bool:
        if use.name.startswith("kombu.") and use.last == "publish":
            return True
        return use.name.startswith(self.OTHERS) and use.last in self.CALLS

    @staticmethod
    def _is_job(project: Project, use: CallSite, jobs: set[str]) -> bool:
        names = project.source.names(use.location.file or "")
        function = use.argument("func", 0)
        if isinstance(function, ast.Call) and function.args:
            function = function.args[0]  # partial(...)
        name = names.meaning(function) if names and function is not None else ""
        return name in jobs or name.rpartition(".")[0] in jobs or project.celery_source.is_task(name)
