"""JB001: a job that nobody does where there is no worker."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...config.table import Config
from ...model import Finding, Location, Rule
from ...source.celery import CelerySource, dotted, named
from ...source.nodes import is_within
from ...source.switches import disabling_switch
from ...source.tree import Source
from ._shared import dispatchers


class JB001(Rule):
    """A job that nobody does where there is no worker.

    A Celery task of one's own outside of the modules in `dispatchers`: without a worker it never runs, and no row tells
    its state. And a dispatch that is left out, without a word, where a setting says that there is no worker: an `if`
    over a setting (`settings.worker_enabled`, `settings.broker_url`, `WORKER_ENABLED`) that returns before a job is
    enqueued, handed on or run (`hand-on` names those functions), or that encloses it and has no other way.

    Quiet are: a branch that does the work itself, one that raises, and one over what the caller asked for.
    """

    def check(self, config: Config, source: Source, celery_source: CelerySource) -> Iterator[Finding]:
        allowed = dispatchers(config)
        for task in celery_source.tasks:
            if not is_within(task.module, allowed):
                yield self.finding(
                    f"{task.name.rpartition('.')[2]} is a task of Celery's own, so without a worker it never runs and "
                    "nobody can read its state",
                    task.location,
                    task.name,
                    hint="make it a job",
                )
        for call in source.uses:
            dispatches = celery_source.sends(call) or named(call.name, config.hand_on)
            switch = disabling_switch(call) if dispatches else None
            if switch is not None:
                yield self.finding(
                    f"where `{ast.unparse(switch.test)}` says so, nothing is done and nothing is said: {call.last} is "
                    "left out",
                    Location(call.location.file, switch.lineno),
                    dotted(call.module, call.within),
                    hint="run the job inline there",
                )
