"""Sends jobs to workers that are there already and waits for their rows: prints how many were done in a second.

Run by jobs.py with the service's environment: `send.py service|bare <package> <how many>`.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, NullPool, create_engine, text

_BATCH = 100
_SECONDS = 300.0


def main() -> None:
    """Send, wait, print."""
    side, package, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    engine = create_engine(os.environ["BARE_DATABASE_URL"], poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        owner_id = int(connection.scalar(text("SELECT min(id) FROM users")) or 0)
        before = _rows(connection)

        def wait() -> None:
            while (done := _rows(connection) - before) < count:
                if time.perf_counter() - begun > _SECONDS:
                    raise SystemExit(f"{done} of {count} jobs were done within {_SECONDS:g} s")
                # Looking costs the database something.
                time.sleep(0.05)

        begun = time.perf_counter()
        if side == "service":
            asyncio.run(_send_ours(package, owner_id, count, wait))
        else:
            bare: Any = importlib.import_module("bare_celery")
            for number in range(count):
                bare.insert.delay(owner_id, number)
            wait()
        print(json.dumps({"per_second": count / (time.perf_counter() - begun)}))


async def _send_ours(package: str, owner_id: int, count: int, wait: Callable[[], None]) -> None:
    core_jobs, database, features, runtime_module = (
        importlib.import_module(f"{package}.core.{name}") for name in ("jobs", "database", "features", "runtime")
    )
    settings = importlib.import_module(f"{package}.settings").Settings.load()
    bench = importlib.import_module(f"{package}.features.bench")
    runtime: Any = runtime_module.Runtime(settings, features.discover(package))
    relay = asyncio.create_task(runtime.relay.run())
    for first in range(0, count, _BATCH):
        async with database.unit_of_work(runtime.database) as session:
            for number in range(first, min(first + _BATCH, count)):
                payload = bench.InsertPayload(owner_id=owner_id, number=number)
                await core_jobs.enqueue(session, bench.insert, payload, owner_id=owner_id)
    await asyncio.to_thread(wait)
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)
    await runtime.close()


def _rows(connection: Connection) -> int:
    return int(connection.scalar(text("SELECT count(*) FROM captures WHERE source = 'bench'")) or 0)


if __name__ == "__main__":
    main()
