"""Records of addresses in source and in deployment files."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..knowledge.drivers import DIALECTS, DRIVERS, SCHEMES
from ..model import Location

_URL = re.compile(r"(?P<scheme>[a-z]+)(?:\+(?P<driver>\w+))?://")
_DRIVER_NAME = re.compile(r"(?P<scheme>[a-z]+)\+(?P<driver>\w+)$")


@dataclass(frozen=True)
class Driver:
    """An address as it is written, the distributions of which it needs one, and its line."""

    written: str
    needs: tuple[str, ...]
    location: Location

    @classmethod
    def of(cls, text: str, location: Location, *, plain: bool = True) -> tuple[Driver, ...]:
        """The driver that an address needs, or none; `plain` counts a scheme without a driver as well."""
        match = _URL.match(text) or _DRIVER_NAME.match(text)
        if match is None:
            return ()
        scheme, driver = match["scheme"], match["driver"]
        if driver and scheme in DIALECTS:
            needs = DRIVERS.get(driver, ())
        else:
            needs = SCHEMES.get(scheme, ()) if plain and not driver else ()
        return (cls(match[0], needs, location),) if needs else ()
