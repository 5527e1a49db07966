"""Tokens that prove who somebody is: made at random, shown once, kept as keyed digests."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlalchemy import delete, or_, select
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
    now = utc_now()
    if token.startswith(KEY_PREFIX):
        statement = (
            select(User.id)
            .join(ApiKey, ApiKey.owner_id == User.id)
            .where(ApiKey.digest.in_(digests), ApiKey.revoked_at.is_(None))
            .where(or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now))
        )
    elif token.startswith(SESSION_PREFIX):
        statement = (
            select(User.id)
            .join(LoginSession, LoginSession.owner_id == User.id)
            .where(LoginSession.digest.in_(digests), LoginSession.expires_at > now)
        )
    else:
        return None
    user_id = await session.scalar(statement.where(User.is_active))
    return None if user_id is None else Principal(user_id)


async def delete_expired_sessions(session: AsyncSession, settings: CoreSettings) -> None:
    """Delete logins that have expired."""
    await session.execute(delete(LoginSession).where(LoginSession.expires_at < utc_now()))


def _digest(token: str, key: bytes) -> str:
    return hmac.new(key, token.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
