"""JB013: something that is tried again without end."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...config.table import Config
from ...model import Finding, Location, Rule
from ...records.celery import CeleryFacts
from ...source.celery import CelerySource, dotted
from ...source.retries import endless_loops, unbounded
from ...source.tree import Source


class JB013(Rule):
    """Something that is tried again without end.

    Named are: a Celery task with `max_retries=None`; a task that sends itself again where it caught an error;
    `retry(throw=False)` in a loop; `tenacity` without a `stop` or with `stop_never`; `stamina` with neither attempts
    nor a time; `backoff` with neither; and, in a job or a task, a `while True` that swallows an error and leaves when
    it succeeds.

    Quiet are: Celery's own three retries where nothing is said, `stamina`'s ten, a loop that counts or that raises in
    the end, a loop that is there for ever on purpose, and a broker connection that is tried for as long as it takes.
    """

    def check(
        self, config: Config, source: Source, celery_source: CelerySource, celery: CeleryFacts | None = None
    ) -> Iterator[Finding]:
        for task in celery.tasks if celery else ():
            if task.max_retries is None:
                yield self.finding(
                    f"the task {task.name} has max_retries=None, so it is tried again for ever",
                    task.location,
                    task.name,
                    hint="give a number",
                )
        yield from self._libraries(source)
        for job in (*celery_source.tasks, *celery_source.jobs(config.job_decorators)):
            for line, what in endless_loops(job.node):
                yield self.finding(
                    f"{job.name.rpartition('.')[2]} {what}, so what always fails never ends",
                    Location(job.location.file, line),
                    job.name,
                    hint="raise, and let the bounded retries of jobs do it",
                )

    def _libraries(self, source: Source) -> Iterator[Finding]:
        """The retries of libraries that are given no bound."""
        for call in source.uses:
            if problem := unbounded(call):
                yield self._unbounded(problem, call.location, call.name)
        for names in source.own:
            for node, within in names.nodes(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef):
                for decorator in getattr(node, "decorator_list", ()):
                    if names.meaning(decorator) == "tenacity.retry":
                        location = Location(names.file.path, decorator.lineno)
                        yield self._unbounded("tenacity.retry has no stop", location, dotted(names.module, within))

    def _unbounded(self, problem: str, location: Location, subject: str) -> Finding:
        return self.finding(f"{problem}, so it is tried again for ever", location, subject, hint="give a bound")
