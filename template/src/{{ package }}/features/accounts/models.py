"""Users, and apart from them how somebody proves to be one (DB002)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from ...core.database import Model, UtcDateTime, user_reference, utc_now


class User(Model):
    """A person. Everything that belongs to somebody refers to this table, and only to this one."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class Credential(Model):
    """A user's password, as its argon2 hash. A user who only has API keys has none."""

    __tablename__ = "credentials"

    user_id: Mapped[int] = user_reference(primary_key=True)
    password_hash: Mapped[str] = mapped_column(String(500))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now, onupdate=utc_now)


class LoginSession(Model):
    """A login that has not expired, as the digest of its token."""

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = user_reference()
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class ApiKey(Model):
    """A key that acts for its user, as its digest; the key itself is shown once and kept nowhere."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = user_reference()
    name: Mapped[str] = mapped_column(String(200))
    hint: Mapped[str] = mapped_column(String(20))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
