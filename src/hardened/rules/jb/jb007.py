"""JB007: one Celery application too many."""

from __future__ import annotations

from collections.abc import Iterator

from ...config.table import Config
from ...model import Finding, Location, Rule
from ...records.celery import CeleryFacts
from ...source.celery import CelerySource, dotted
from ...source.nodes import is_within
from ...source.tree import Source


class JB007(Rule):
    """One Celery application too many.

    Named is each call that makes one, of `Celery` or of a class made from it, under whatever name, beside the call that
    makes the application in `celery`; a call of the project's own factory outside of the modules in `dispatchers`; and
    each module that has another one when it is imported.

    Quiet are: the one application, also where it is imported from elsewhere; `current_app`; what tests make.
    """

    def check(
        self, config: Config, source: Source, celery_source: CelerySource, celery: CeleryFacts
    ) -> Iterator[Finding]:
        first = celery_source.maker(config.celery)
        found: dict[Location, str] = {}
        for call in celery_source.applications:
            if first is None or call.node is not first.node:
                found.setdefault(call.location, dotted(call.module, call.within))
        if first is not None and first.function is not None:
            factory = dotted(first.module, first.within)
            allowed = *config.dispatchers, config.celery.partition(":")[0]
            for call in source.uses:
                if call.name == factory and not is_within(call.module, allowed):
                    found.setdefault(call.location, dotted(call.module, call.within))
        for name, location in celery.further:
            found.setdefault(location, name)
        for location, subject in found.items():
            yield self.finding(
                f"a Celery application besides {config.celery}, with settings, queues and tasks of its own",
                location,
                subject,
                hint="use that one",
            )
