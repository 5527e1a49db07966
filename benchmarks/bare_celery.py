"""A bare Celery application written by hand, which the service's jobs are measured against: one task, one insert.

It has what makes it fast and loses work: no row for the task, early acknowledgement, no limit, no result.
"""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from typing import Any

from celery import Celery, signals
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

app = Celery("bare", broker=os.environ["BROKER_URL"])
app.conf.update(task_ignore_result=True, worker_hijack_root_logger=False)

INSERT = text(
    "INSERT INTO captures (owner_id, source, text, created_at) VALUES (:owner_id, 'bench', :text, :created_at)"
)
_made: list[tuple[asyncio.Runner, AsyncEngine]] = []


@signals.worker_process_init.connect
def _start(**_: Any) -> None:
    _made.append((asyncio.Runner(), create_async_engine(os.environ["BARE_DATABASE_URL"], pool_size=1)))


@app.task(name="bare.insert")
def insert(owner_id: int, number: int) -> None:
    """Insert one row, in an asynchronous session, as the service does."""
    runner, engine = _made[0]
    runner.run(_insert(engine, owner_id, number))


async def _insert(engine: AsyncEngine, owner_id: int, number: int) -> None:
    async with engine.begin() as connection:
        values = {"owner_id": owner_id, "text": f"number {number}", "created_at": datetime.now(UTC)}
        await connection.execute(INSERT, values)
