"""What the routes and the commands of accounts have in common."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.database import utc_now
from ...core.identity import Principal
from ...core.realtime import Topic
from ...core.settings import CoreSettings
from .models import ApiKey, Credential, User
from .passwords import hash_password
from .schemas import UserView
from .tokens import KEY_PREFIX, digest_of, new_token

_HINT_LENGTH = 8


async def find_user(session: AsyncSession, email: str) -> User | None:
    """The user with this address, in whatever case it is written."""
    return await session.scalar(select(User).where(User.email == email.lower()))


async def add_user(session: AsyncSession, *, email: str, name: str, password: str | None) -> User:
    """A new user; without a password they can only use API keys. The address must be new."""
    user = User(email=email.lower(), name=name)
    session.add(user)
    await session.flush()
    if password is not None:
        session.add(Credential(user_id=user.id, password_hash=await hash_password(password)))
    return user


async def add_key(
    session: AsyncSession, settings: CoreSettings, *, owner_id: int, name: str, days: int | None
) -> tuple[ApiKey, str]:
    """A new API key: its row, and the key itself, which is kept nowhere."""
    token = new_token(KEY_PREFIX)
    row = ApiKey(
        owner_id=owner_id,
        name=name,
        hint=token[: len(KEY_PREFIX) + _HINT_LENGTH],
        digest=digest_of(token, settings),
        expires_at=None if days is None else utc_now() + timedelta(days=days),
    )
    session.add(row)
    await session.flush()
    return row, token


async def show_user(session: AsyncSession, user: Principal) -> UserView:
    """A user, as they see themselves."""
    return UserView.model_validate(await session.get_one(User, user.user_id))


account = Topic("account", show_user)
