"""Fills the bare application's database with the rows that the service has; run by run.py with its environment.

Reads from standard input `{"key": ..., "items": [...]}`, the items as the service's list shows them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from bare import ApiKey, Base, Item, ItemView, User, digest_of, engine, new_session


async def fill(key: str, items: list[dict[str, Any]]) -> None:
    """Make the tables, one user with this key, and the user's items."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with new_session.begin() as session:
        user = User(email="bench@example.org", name="bench")
        session.add(user)
        await session.flush()
        session.add(ApiKey(owner_id=user.id, digest=digest_of(key)))
        session.add_all(Item(owner_id=user.id, **ItemView.model_validate(item).model_dump()) for item in items)
    await engine.dispose()


if __name__ == "__main__":
    given = json.load(sys.stdin)
    asyncio.run(fill(given["key"], given["items"]))
