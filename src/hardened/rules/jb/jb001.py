"""JB001: a job that nobody does where there is no worker."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model import Finding, Location, Rule
from ...project import Project
from ...source.celery import dotted, inside, named
from ...source.left_out import left_out
from ._shared import _dispatchers

if TYPE_CHECKING:
    pass


class JB001(Rule):
    """A job that nobody does where there is no worker.

    A Celery task of one's own outside of the modules in `dispatchers`: without a worker it never runs, and no row tells
    its state. And a dispatch that is left out, without a word, where a setting says that there is no worker: an `if`
    over a setting (`settings.worker_enabled`, `settings.broker_url`, `WORKER_ENABLED`) that returns before a job is
    enqueued, handed on or run (`hand-on` names those functions), or that encloses it and has no other way.

    Quiet are: a branch that does the work itself, one that raises, and one over what the caller asked for.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        allowed = _dispatchers(project)
        source = project.celery_source
        for task in source.tasks:
            if not inside(task.module, allowed):
                yield self.finding(
                    f"{task.name.rpartition('.')[2]} is a task of Celery's own, so without a worker it never runs and "
                    "nobody can read its state; make it a job",
                    task.location,
                    task.name,
                )
        for use in project.source.uses:
            if (source.sends(use) or named(use.name, project.config.hand_on)) and (switch := left_out(use)):
                yield self.finding(
                    f"where `{ast.unparse(switch.test)}` says so, nothing is done and nothing is said: {use.last} is left "
                    "out; run the job inline there",
                    Location(use.location.file, switch.lineno),
                    f"{dotted(use.module, use.within)}",
                )
