"""Requests per second of the service and of the bare application, in turns, on each database."""

from __future__ import annotations

import json
import secrets
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results import Comparison, Goal
from serving import HERE, BenchmarkError, Program, Service, ask, cpu_seconds, helping, serving

GOAL = Goal(least=0.9)
ITEMS = 20
_TEXT = "\n\n".join(
    f"Remember to look at number {number} of the list before the end of the month.\nIt has been there since spring, "
    "and whoever wrote it down had something in mind that nobody else could guess from one line."
    for number in range(ITEMS)
)


@dataclass(frozen=True)
class Endpoint:
    """What is asked for, and what each answer must hold so many times."""

    name: str
    path: str
    marker: str
    times: int


ENDPOINTS = (
    Endpoint("/health/live", "/health/live", '"status":', 1),
    Endpoint(f"list of {ITEMS}", f"/inbox?limit={ITEMS}", '"capture_id":', ITEMS),
)


@dataclass(frozen=True)
class Effort:
    """How long it is measured: fresh servers so often, so many rounds with each pair, so long a round."""

    starts: int
    rounds: int
    seconds: float
    connections: Sequence[int] = (32, 1)
    most: int = 20_000
    warm_up: int = 300


@dataclass(frozen=True)
class Pair:
    """The service and the bare application with the same user, key and rows, each in a database of its own."""

    service: Program
    bare: Program
    key: str


def measure(service: Service, effort: Effort) -> list[Comparison]:
    """The comparisons on SQLite and on PostgreSQL."""
    measured = []
    databases = Program([service.python, str(HERE / "postgres.py"), "bench_service", "bench_bare"], HERE, {})
    _say("starting a PostgreSQL server")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, helping(databases, 2) as (for_service, for_bare):
        files = Path(folder, "service.db"), Path(folder, "bare.db")
        addresses = {
            "SQLite": (f"sqlite:///{files[0]}", f"sqlite+aiosqlite:///{files[1]}"),
            "PostgreSQL": (for_service, for_bare),
        }
        for engine, (ours, theirs) in addresses.items():
            _say(f"{engine}: the same rows for both")
            measured += _compare(engine, _prepare(service, ours, theirs), effort)
    return measured


def _compare(engine: str, pair: Pair, effort: Effort) -> list[Comparison]:
    ours, theirs = (
        defaultdict[tuple[Endpoint, int], list[Any]](list),
        defaultdict[tuple[Endpoint, int], list[Any]](list),
    )
    for start in range(effort.starts):
        with serving(pair.service) as service, serving(pair.bare) as bare:
            for endpoint in ENDPOINTS:
                for server in (service, bare):
                    _load(server, pair.key, endpoint, connections=8, seconds=30.0, most=effort.warm_up)
            for endpoint in ENDPOINTS:
                for connections in effort.connections:
                    _say(
                        f"{engine}: {endpoint.name}, {connections} connections, servers {start + 1} of {effort.starts}"
                    )
                    for _ in range(effort.rounds):
                        for server, results in ((service, ours), (bare, theirs)):
                            results[endpoint, connections].append(
                                _load(
                                    server,
                                    pair.key,
                                    endpoint,
                                    connections=connections,
                                    seconds=effort.seconds,
                                    most=effort.most,
                                )
                            )
    return [_comparison(engine, *case, ours[case], theirs[case]) for case in ours]


def _comparison(
    engine: str, endpoint: Endpoint, connections: int, ours: list[dict[str, Any]], theirs: list[dict[str, Any]]
) -> Comparison:
    def both(name: str, unit: str) -> str:
        values = [[each[name] for each in side] for side in (ours, theirs)]
        if any(value is None for side in values for value in side):
            return ""
        return " / ".join(f"{statistics.median(side) * 1000:.2f}" for side in values) + unit

    return Comparison(
        name=f"{endpoint.name}, {engine}, {connections} connection{'s' if connections > 1 else ''}",
        unit="/s",
        measured=[each["per_second"] for each in ours],
        against="bare",
        baseline=[each["per_second"] for each in theirs],
        goal=GOAL,
        more={
            "Best rounds": f"{max(each['per_second'] for each in ours) / max(each['per_second'] for each in theirs):.2f}",
            "CPU per request": both("server_cpu", " ms"),
            "99th percentile": both("p99", " ms"),
        },
    )


def _load(server: tuple[int, int], key: str, endpoint: Endpoint, **options: Any) -> dict[str, Any]:
    pid, port = server
    asked = {"port": port, "path": endpoint.path, "marker": endpoint.marker, "times": endpoint.times, **options}
    before = cpu_seconds(pid)
    client = Program([sys.executable, str(HERE / "load.py")], HERE, {"BENCH_TOKEN": key})
    answer: dict[str, Any] = json.loads(client.run(json.dumps(asked)))
    after = cpu_seconds(pid)
    answer["server_cpu"] = None if before is None or after is None else (after - before) / answer["asked"]
    return answer


def _prepare(service: Service, address: str, bare_address: str) -> Pair:
    """Bring both databases to the same rows: made by the service from captured texts, and copied from its list."""
    # As deployed: the local environment has a watchdog beside the event loop.
    environment = {"ENVIRONMENT": "production", "SECRET_KEY": secrets.token_urlsafe(48), "DATABASE_URL": address}
    command = Program([service.command], service.folder, environment)
    command.run("migrate")
    command.run("create-user", "bench@example.org")
    key = command.run("create-key", "bench@example.org").split()[-1]
    ours = Program([service.command, "serve", "--port", "{port}"], service.folder, environment)
    with serving(ours) as (_, port):
        for _ in range(3):
            ask(port, "POST", "/ingest/raw", token=key, body={"text": _TEXT})
        items = ask(port, "GET", "/inbox?limit=100", token=key)["items"]
    if len(items) != 3 * ITEMS:
        raise BenchmarkError(f"three captures became {len(items)} items, not {3 * ITEMS}")
    items.reverse()
    bare = {"BARE_DATABASE_URL": bare_address}
    Program([service.python, str(HERE / "fill.py")], HERE, bare).run(given=json.dumps({"key": key, "items": items}))
    # With the server's own line for each request, as it comes; the service writes one too.
    theirs = Program([service.python, "-m", "uvicorn", "bare:app", "--port", "{port}"], HERE, bare)
    return Pair(ours, theirs, key)


def _say(what: str) -> None:
    print(f"  {what}", flush=True)
