"""JB011: a message that the broker hands on again while its job still runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model import DoesNotApply, Finding, Location, Rule
from ...project import Project
from ...source.celery import dotted
from ...source.tree import literal
from ._shared import _line

if TYPE_CHECKING:
    pass


_VISIBILITY = 3_600


class JB011(Rule):
    """A message that the broker hands on again while its job still runs.

    Redis gives a message to the next worker when it has not been acknowledged for `visibility_timeout` seconds, 3600
    unless told otherwise. One that is shorter than a task may take makes the task run twice, while a live worker is at
    it; one that is shorter than a countdown makes it run again and again.

    Named are a visibility timeout (given or not) that is not above the longest time limit of a task, and a `countdown`
    or `default_retry_delay` that is not below it. It is judged where the broker is Redis, where the options name a
    visibility timeout, or where a worker is given a Redis as its broker. Quiet are tasks without any limit.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        celery = project.celery
        options = celery.conf.broker_transport_options or {}
        address = str(celery.conf.broker_url or "")
        deployed = [
            value
            for worker in project.workers
            for name, value in worker.process.environment.items()
            if "BROKER" in name.upper()
        ]
        on_redis = re.match(r"(redis|rediss|sentinel|valkey)", address) or (
            not address and any(re.match(r"(redis|rediss|sentinel)", value) for value in deployed)
        )
        if not on_redis and "visibility_timeout" not in options:
            raise DoesNotApply("the broker is not Redis")
        given = options.get("visibility_timeout")
        timeout = float(given if isinstance(given, (int, float)) else _VISIBILITY)
        longest = max((each for each in celery.tasks if each.limit), key=lambda each: each.limit or 0, default=None)
        limit = (longest.limit if longest else None) or 0.0
        if longest and limit >= timeout:
            written = "visibility_timeout is" if given is not None else "no visibility_timeout is given, so it is"
            found = project.celery_source.location("visibility_timeout", given)
            yield self.finding(
                f"{written} {timeout:g} s and the task {longest.name} may take {limit:g} s: it is handed on a second time "
                "while it runs; raise the one or lower the other",
                found or _line(project, "broker_transport_options"),
                "visibility_timeout",
            )
            return
        for use in project.source.uses:
            for name in ("countdown", "default_retry_delay"):
                argument = use.argument(name)
                seconds = literal(argument)
                sending = project.celery_source.sends(use) or use.last in ("retry", "task", "shared_task", "set")
                if argument and sending and isinstance(seconds, (int, float)) and seconds + limit >= timeout:
                    yield self.finding(
                        f"{name}={seconds:g} and the {limit:g} s that a task may take are not below the visibility "
                        f"timeout of {timeout:g} s: it is handed on again before it is due; raise that, or keep the due "
                        "time in a table",
                        Location(use.location.file, argument.lineno),
                        dotted(use.module, use.within),
                    )
