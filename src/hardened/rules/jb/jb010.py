"""JB010: a job that is sent before its row is committed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...config.table import Config
from ...model import Finding, Rule
from ...source.celery import CelerySource, dotted
from ...source.nodes import is_within
from ...source.symbols import CallSite
from ...source.tree import Source
from ._shared import dispatchers

_OTHER_QUEUES = ("rq.", "arq.", "huey.", "dramatiq.", "taskiq.")
_SENDS = frozenset({"enqueue", "enqueue_job", "enqueue_in", "enqueue_at", "send", "send_with_options", "kiq"})


class JB010(Rule):
    """A job that is sent before its row is committed.

    Named are, outside of the modules in `dispatchers`: `delay`, `apply_async` and `send_task` of Celery's, whatever
    they are called on; a message that kombu publishes; a queue of another library; and a task or job handed to
    `BackgroundTasks.add_task`, which nothing repeats when the process ends.

    Quiet are: `enqueue` in the transaction, a pool of processes with its own `apply_async`, other background tasks, and
    a task called as a plain function.
    """

    def check(self, config: Config, source: Source, celery_source: CelerySource) -> Iterator[Finding]:
        allowed = dispatchers(config)
        jobs = {each.name for each in celery_source.jobs(config.job_decorators)}
        enqueue = (config.hand_on or ("enqueue",))[0].rpartition(".")[2]
        for call in source.uses:
            if is_within(call.module, allowed):
                continue
            if celery_source.sends(call) or _publishes(call):
                message = f"{call.last}() sends a job before what it needs is committed, or loses it with the broker"
            elif call.last == "add_task" and _is_job(source, celery_source, call, jobs):
                message = "a background task of the response is lost when the process ends"
            else:
                continue
            subject = dotted(call.module, call.within)
            yield self.finding(message, call.location, subject, hint=f"use {enqueue} in the transaction")


def _publishes(call: CallSite) -> bool:
    """Report whether a call sends a message past Celery."""
    if call.name.startswith("kombu.") and call.last == "publish":
        return True
    return call.name.startswith(_OTHER_QUEUES) and call.last in _SENDS


def _is_job(source: Source, celery_source: CelerySource, call: CallSite, jobs: set[str]) -> bool:
    """Report whether the function that `add_task` is given is a task or a job."""
    names = source.names(call.location.file or "")
    function = call.argument("func", 0)
    if isinstance(function, ast.Call) and function.args:
        function = function.args[0]  # partial(...)
    name = names.meaning(function) if names and function is not None else ""
    return name in jobs or name.rpartition(".")[0] in jobs or celery_source.is_task(name)
