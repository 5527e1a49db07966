# Owned by the template.
"""Tickets: what a page keeps instead of a key. Signed, short-lived, good for its own socket and for nothing else."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final

from itsdangerous import BadData, URLSafeTimedSerializer

from ..database import utc_now
from ..identity import Principal
from ..settings import CoreSettings

__all__ = ["RENEWABLE", "new_ticket", "read_ticket"]

RENEWABLE: Final = timedelta(days=7)
"""How old a ticket may be and still be renewed, if the login that it came from still holds."""


def new_ticket(principal: Principal, settings: CoreSettings) -> str:
    """A ticket for this login."""
    return str(_serializer(settings).dumps([principal.user_id, principal.credential]))


def read_ticket(ticket: str, settings: CoreSettings) -> tuple[Principal, timedelta] | None:
    """Whom a ticket was made for, and its age; None if it is not one of ours or older than `RENEWABLE`."""
    try:
        (user_id, credential), signed = _serializer(settings).loads(ticket, return_timestamp=True)
    except BadData:
        return None
    age = utc_now() - signed
    return (Principal(user_id, credential), age) if age < RENEWABLE else None


def _serializer(settings: CoreSettings) -> URLSafeTimedSerializer:
    # The last key signs. The salt keeps what is signed here apart from whatever else is signed with the same key.
    options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeTimedSerializer(list(reversed(settings.secret_keys)), salt="realtime", signer_kwargs=options)
