"""Libraries that talk to another process or machine, by the module that they are imported as."""

from __future__ import annotations

from .clients import CLIENTS, CONNECTS
from .databases import DRIVERS, LIBRARIES

_OTHERS = {"aiosmtplib", "beanie", "botocore", "celery", "kombu", "ldap3", "peewee", "tortoise"}
_ALSO_WITHOUT_NETWORK = {"socket", "urllib"}

BACKENDS = frozenset({*CLIENTS, *CONNECTS, *DRIVERS, *LIBRARIES, *_OTHERS} - _ALSO_WITHOUT_NETWORK)
