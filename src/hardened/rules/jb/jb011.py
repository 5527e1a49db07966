"""JB011: a message that the broker hands on again while its job still runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...config.table import Config
from ...deployment.workers import Worker
from ...model import DoesNotApply, Finding, Location, Rule
from ...records.celery import CeleryFacts, CelerySettings
from ...source.celery import CelerySource, dotted
from ...source.tree import Source, literal
from ._shared import SettingLines

_VISIBILITY = 3_600.0
"""The seconds that kombu takes where none are given."""
_REDIS = ("redis", "rediss", "sentinel", "valkey")


class JB011(Rule):
    """A message that the broker hands on again while its job still runs.

    Redis gives a message to the next worker when it has not been acknowledged for `visibility_timeout` seconds, 3600
    unless told otherwise. One that is shorter than a task may take makes the task run twice, while a live worker is at
    it; one that is shorter than a countdown makes it run again and again.

    Named are a visibility timeout (given or not) that is not above the longest time limit of a task, and a `countdown`
    or `default_retry_delay` that is not below it. It is judged where the broker is Redis, where the options name a
    visibility timeout, or where a worker is given a Redis as its broker. Quiet are tasks without any limit.
    """

    def check(
        self,
        celery: CeleryFacts,
        celery_source: CelerySource,
        source: Source,
        workers: Sequence[Worker],
        config: Config,
    ) -> Iterator[Finding]:
        settings = celery.settings
        if not _is_on_redis(settings, workers) and "visibility_timeout" not in settings.transport_options:
            raise DoesNotApply("the broker is not Redis")
        given = settings.visibility_timeout
        timeout = _VISIBILITY if given is None else given
        longest = max((each for each in celery.tasks if each.limit), key=lambda each: each.limit or 0, default=None)
        limit = (longest.limit if longest else None) or 0.0
        if longest and limit >= timeout:
            written = "no visibility_timeout is given, so it is" if given is None else "visibility_timeout is"
            lines = SettingLines(celery_source, config)
            yield self.finding(
                f"{written} {timeout:g} s and the task {longest.name} may take {limit:g} s: it is handed on a second "
                "time while it runs",
                celery_source.location("visibility_timeout", given) or lines.of("broker_transport_options"),
                "visibility_timeout",
                hint="raise the one or lower the other",
            )
        else:
            yield from self._delays(source, celery_source, timeout, limit)

    def _delays(self, source: Source, celery_source: CelerySource, timeout: float, limit: float) -> Iterator[Finding]:
        """The delays after which a message is due later than the broker waits."""
        for call in source.uses:
            if not (celery_source.sends(call) or call.last in ("retry", "task", "shared_task", "set")):
                continue
            for name in ("countdown", "default_retry_delay"):
                argument = call.argument(name)
                seconds = literal(argument)
                if argument and isinstance(seconds, (int, float)) and seconds + limit >= timeout:
                    yield self.finding(
                        f"{name}={seconds:g} and the {limit:g} s that a task may take are not below the visibility "
                        f"timeout of {timeout:g} s: it is handed on again before it is due",
                        Location(call.location.file, argument.lineno),
                        dotted(call.module, call.within),
                        hint="raise that, or keep the due time in a table",
                    )


def _is_on_redis(settings: CelerySettings, workers: Sequence[Worker]) -> bool:
    """Report whether the broker is Redis: by the application's own settings, else by what its workers are deployed with."""
    if settings.broker_scheme:
        return settings.broker_scheme.startswith(_REDIS)
    environments = (worker.process.environment for worker in workers)
    brokers = (value for each in environments for name, value in each.items() if "BROKER" in name.upper())
    return any(re.match("|".join(_REDIS), value) for value in brokers)
