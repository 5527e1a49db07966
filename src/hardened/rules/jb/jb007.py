"""JB007: one Celery application too many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model import Finding, Location, Rule
from ...project import Project
from ...source.celery import dotted, inside

if TYPE_CHECKING:
    pass


class JB007(Rule):
    """One Celery application too many.

    Named is each call that makes one, of `Celery` or of a class made from it, under whatever name, beside the call that
    makes the application in `celery`; a call of the project's own factory outside of the modules in `dispatchers`; and
    each module that has another one when it is imported.

    Quiet are: the one application, also where it is imported from elsewhere; `current_app`; what tests make.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        celery = project.celery
        source = project.celery_source
        first = source.maker(project.config.celery)
        told: set[Location] = set()
        for use in source.applications:
            if first is None or use.node is not first.node:
                told.add(use.location)
                yield self._further(project, use.location, dotted(use.module, use.within))
        factory = dotted(first.module, first.within) if first is not None and first.function is not None else ""
        for use in project.source.uses:
            allowed = inside(use.module, (*project.config.dispatchers, project.config.celery.partition(":")[0]))
            if factory and use.name == factory and not allowed and use.location not in told:
                told.add(use.location)
                yield self._further(project, use.location, dotted(use.module, use.within))
        for name, location in project.live.further(celery.app):
            if location not in told:
                yield self._further(project, location, name)

    def _further(self, project: Project, location: Location, subject: str) -> Finding:
        return self.finding(
            f"a Celery application besides {project.config.celery}, with settings, queues and tasks of its own; use that one",
            location,
            subject,
        )
