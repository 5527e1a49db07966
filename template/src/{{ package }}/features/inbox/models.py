"""Captures, and the items that are made from them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Float, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ...core.database import BoundedInteger, Model, Text, UtcDateTime, enumeration, user_reference, utc_now

MOST_ITEMS = 20
"""How many items one capture can become."""


class ItemKind(StrEnum):
    """What an item seems to be."""

    TASK = "task"
    LINK = "link"
    NOTE = "note"


class ItemState(StrEnum):
    """What its owner said of an item."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"


class Capture(Model):
    """A text as it came in."""

    __tablename__ = "captures"
    __table_args__ = (Index(None, "owner_id", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = user_reference(index=False)
    source: Mapped[str] = mapped_column(String(200))
    text: Mapped[Text]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class Item(Model):
    """A piece of a capture, with how sure the refinement is of its kind, 0 to 1."""

    __tablename__ = "inbox_items"
    __table_args__ = (
        UniqueConstraint("capture_id", "position"),
        Index(None, "owner_id", "id"),
        Index(None, "owner_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = user_reference(index=False)
    capture_id: Mapped[int] = mapped_column(ForeignKey("captures.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(BoundedInteger(0, MOST_ITEMS - 1))
    kind: Mapped[ItemKind] = mapped_column(enumeration(ItemKind))
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[Text]
    confidence: Mapped[float] = mapped_column(Float)
    state: Mapped[ItemState] = mapped_column(enumeration(ItemState), default=ItemState.PENDING)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
