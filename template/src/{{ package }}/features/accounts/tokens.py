"""Tokens that prove who somebody is: made at random, shown once, kept as keyed digests."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlalchemy import Select, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.database import utc_now
from ...core.identity import Principal
from ...core.settings import CoreSettings
from .models import ApiKey, LoginSession, User

KEY_PREFIX = "key_"
SESSION_PREFIX = "ses_"


def new_token(prefix: str) -> str:
    """A new token of 256 random bits."""
    return prefix + secrets.token_urlsafe(32)


def digest_of(token: str, settings: CoreSettings) -> str:
    """What is stored of a token: without the service's secret key, a stolen table says nothing about it."""
    return _digest(token, settings.secret_keys[0])


async def authenticate(session: AsyncSession, token: str, settings: CoreSettings) -> Principal | None:
    """Whom an API key or a session's token belongs to.

    It is looked up under the previous secret key too, so that changing the key signs nobody out.
    """
    digests = [_digest(token, key) for key in settings.secret_keys]
    if token.startswith(KEY_PREFIX):
        prefix, logins = KEY_PREFIX, _valid_keys().where(ApiKey.digest.in_(digests))
    elif token.startswith(SESSION_PREFIX):
        prefix, logins = SESSION_PREFIX, _valid_sessions().where(LoginSession.digest.in_(digests))
    else:
        return None
    found = (await session.execute(logins)).one_or_none()
    return None if found is None else Principal(found[0], f"{prefix}{found[1]}")


async def still_holds(session: AsyncSession, user: Principal, settings: CoreSettings) -> bool:
    """Whether the API key or the session that somebody was authenticated with is still valid."""
    prefix, number = user.credential[:4], int(user.credential[4:])
    logins = (
        _valid_keys().where(ApiKey.id == number)
        if prefix == KEY_PREFIX
        else _valid_sessions().where(LoginSession.id == number)
    )
    found = (await session.execute(logins)).one_or_none()
    return found is not None and found[0] == user.user_id


async def delete_expired_sessions(session: AsyncSession, settings: CoreSettings) -> None:
    """Delete logins that have expired."""
    await session.execute(delete(LoginSession).where(LoginSession.expires_at < utc_now()))


def _digest(token: str, key: bytes) -> str:
    return hmac.new(key, token.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _valid_keys() -> Select[int, int]:
    valid = select(User.id, ApiKey.id).join(ApiKey, ApiKey.owner_id == User.id).where(User.is_active)
    return valid.where(ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > utc_now()))


def _valid_sessions() -> Select[int, int]:
    valid = select(User.id, LoginSession.id).join(LoginSession, LoginSession.owner_id == User.id)
    return valid.where(User.is_active, LoginSession.expires_at > utc_now())
