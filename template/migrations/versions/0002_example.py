"""The example's captures and inbox items."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

BIG_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "captures",
        sa.Column("id", BIG_INTEGER, nullable=False),
        sa.Column("owner_id", BIG_INTEGER, nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_captures_owner_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_captures"),
    )
    op.create_index("ix_captures_owner_id_created_at", "captures", ["owner_id", "created_at"])
    op.create_table(
        "inbox_items",
        sa.Column("id", BIG_INTEGER, nullable=False),
        sa.Column("owner_id", BIG_INTEGER, nullable=False),
        sa.Column("capture_id", BIG_INTEGER, nullable=False),
        sa.Column("position", BIG_INTEGER, nullable=False),
        sa.Column(
            "kind",
            sa.Enum("task", "link", "note", name="itemkind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "accepted",
                "dismissed",
                name="itemstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT),
        sa.ForeignKeyConstraint(
            ["capture_id"], ["captures.id"], name="fk_inbox_items_capture_id_captures", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_inbox_items_owner_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_inbox_items"),
        sa.UniqueConstraint("capture_id", "position", name="uq_inbox_items_capture_id_position"),
    )
    op.create_index("ix_inbox_items_owner_id_created_at", "inbox_items", ["owner_id", "created_at"])
    op.create_index("ix_inbox_items_owner_id_id", "inbox_items", ["owner_id", "id"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("inbox_items")
    op.drop_table("captures")
