"""Lines of Celery's settings, and the modules that dispatch jobs."""

from __future__ import annotations

from ...config.table import FILE, Config
from ...model import Location, NotConfigured
from ...source.celery import CelerySource


class SettingLines:
    """The lines at which the source gives values to Celery's settings."""

    def __init__(self, source: CelerySource, config: Config) -> None:
        self._source = source
        self._address = config.celery

    def of(self, name: str, value: object = ...) -> Location:
        """The line of a setting; without one, the line that makes the application."""
        upper = name.upper()
        also = f"CELERY_{upper}", upper, f"CELERY_{upper.partition('_')[2]}"
        written = self._source.location(name, value, also=also)
        if written is not None:
            return written
        maker = self._source.maker(self._address)
        return maker.location if maker else Location(FILE)


def dispatchers(config: Config) -> tuple[str, ...]:
    """The modules that may send jobs.

    Raises:
        NotConfigured: the configuration names none.
    """
    if not config.dispatchers:
        raise NotConfigured("no `dispatchers` in [tool.hardening]")
    return config.dispatchers
