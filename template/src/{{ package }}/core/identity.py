# Owned by the template.
"""Who a request acts for. The core only knows that a token belongs to a user; the accounts feature knows how."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from .settings import CoreSettings

__all__ = ["AUTHENTICATION_TABLES", "USERS_TABLE", "Authenticate", "Principal", "Recheck"]

USERS_TABLE: Final = "users"
AUTHENTICATION_TABLES: Final = frozenset({"credentials", "sessions", "api_keys"})
"""Tables of log-ins, which come and go: only these refer to one of them, all others to the user (DB002)."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The user that a request was authenticated as, and in which words the feature knows the login again."""

    user_id: int
    credential: str = ""


Authenticate = Callable[[AsyncSession, str, CoreSettings], Awaitable[Principal | None]]
"""Finds whom a bearer token belongs to; None for a token that is unknown, expired or revoked."""

Recheck = Callable[[AsyncSession, Principal, CoreSettings], Awaitable[bool]]
"""Whether the login that somebody was authenticated with still holds: not expired, not revoked."""
