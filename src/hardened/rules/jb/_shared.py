"""What several rules of the family share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...config.table import FILE
from ...model import DoesNotApply, Location
from ...project import Project

if TYPE_CHECKING:
    pass


def _line(project: Project, name: str, value: object = ...) -> Location:
    """Where a setting of Celery is written; where none is, the line that makes the application."""
    upper = name.upper()
    written = project.celery_source.location(
        name, value, also=(f"CELERY_{upper}", upper, f"CELERY_{upper.partition('_')[2]}")
    )
    if written is not None:
        return written
    maker = project.celery_source.maker(project.config.celery)
    return maker.location if maker else Location(FILE)


def _dispatchers(project: Project) -> tuple[str, ...]:
    if not project.config.dispatchers:
        raise DoesNotApply("no `dispatchers` in [tool.hardening]")
    return project.config.dispatchers
