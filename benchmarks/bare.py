"""A bare FastAPI and SQLAlchemy application written by hand, which the service is measured against.

It does what such applications do and nothing else: an API key looked up by its hash, a list of one's own rows,
the dependency's default scope, SQLite as the driver has it, no log line but the server's own.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict
from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Integer, String, Text, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

DATABASE_URL = os.environ.get("BARE_DATABASE_URL", "sqlite+aiosqlite:///bare.db")
POOL_SIZE = 10

engine = create_async_engine(DATABASE_URL, pool_size=POOL_SIZE, max_overflow=0)
new_session = async_sessionmaker(engine, expire_on_commit=False)
Id = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    """The base of the tables."""


class User(Base):
    """A person."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    is_active: Mapped[bool] = mapped_column(default=True)


class ApiKey(Base):
    """A key that acts for its user, as its hash."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)


class Item(Base):
    """What the list is made of, the same as the service's."""

    __tablename__ = "inbox_items"
    __table_args__ = (Index("ix_inbox_items_owner_id_id", "owner_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    capture_id: Mapped[int] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    confidence: Mapped[float]
    state: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ItemView(BaseModel):
    """An item as the list shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    capture_id: int
    kind: str
    title: str
    body: str
    confidence: float
    state: str
    created_at: datetime
    decided_at: datetime | None


def digest_of(key: str) -> str:
    """What is stored of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


async def get_session() -> AsyncIterator[AsyncSession]:
    """The request's session."""
    async with new_session() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]
bearer = HTTPBearer()


async def get_user(session: Session, credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> User:
    """The user whose key the request carries."""
    found = (
        select(User)
        .join(ApiKey, ApiKey.owner_id == User.id)
        .where(ApiKey.digest == digest_of(credentials.credentials), User.is_active)
    )
    user = await session.scalar(found)
    if user is None:
        raise HTTPException(401, "unknown key")
    return user


app = FastAPI()


@app.get("/health/live")
async def live() -> dict[str, str]:
    """Whether the process answers."""
    return {"status": "ok"}


@app.get("/inbox", response_model=list[ItemView])
async def list_items(
    session: Session,
    user: Annotated[User, Depends(get_user)],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> list[Item]:
    """One's items, the newest first."""
    return list(
        await session.scalars(select(Item).where(Item.owner_id == user.id).order_by(Item.id.desc()).limit(limit))
    )
