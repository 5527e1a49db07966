"""Jobs per second through Celery, against bare tasks; how it grows with processes and rows; how soon a job is done."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from results import Comparison, Goal
from serving import HERE, BenchmarkError, Program, Service, ask, helping, serving

GOAL = Goal(least=0.7)
FLAT = Goal(least=0.8)
_WARM_UP = 40
_TEXT = "Remember to look at the list before the end of the month."


@dataclass(frozen=True)
class Effort:
    """How many jobs a round has, how many rounds, how many ended jobs there are besides, and how many are asked for."""

    jobs: int
    rounds: int
    rows: Sequence[int]
    asked: int


@dataclass(frozen=True)
class Side:
    """The service, or the bare application: how its worker is started, and its jobs are sent."""

    worker: Program
    sender: Program


def measure(service: Service, effort: Effort) -> list[Comparison]:
    """The comparisons, on PostgreSQL and a server that speaks Redis."""
    feature = service.folder / "src" / service.package / "features" / "bench" / "__init__.py"
    feature.parent.mkdir(exist_ok=True)
    shutil.copy(HERE / "insert_feature.py", feature)
    databases = Program([service.python, str(HERE / "postgres.py"), "bench_service", "bench_bare"], HERE, {})
    brokers = Program([service.python, str(HERE / "redis_server.py")], HERE, {})
    try:
        with helping(databases, 2) as (for_service, for_bare), helping(brokers, 1) as (broker,):
            ours = _prepared(service, for_service, f"{broker}/0")
            bare = {**_prepared(service, for_bare, f"{broker}/1"), "PYTHONPATH": str(HERE)}
            return [
                _against_bare(service, ours, bare, effort),
                *_with_more_processes(service, ours, effort),
                *_with_more_rows(service, ours, effort),
                _latency(service, ours, effort),
            ]
    finally:
        shutil.rmtree(feature.parent)


def _prepared(service: Service, address: str, broker: str) -> dict[str, str]:
    environment = {
        "ENVIRONMENT": "production",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "DATABASE_URL": address,
        "BARE_DATABASE_URL": address,
        "BROKER_URL": broker,
    }
    command = Program([service.command], service.folder, environment)
    command.run("migrate")
    command.run("create-user", "bench@example.org")
    return environment


def _ours(service: Service, environment: Mapping[str, str], concurrency: int) -> Side:
    sender = [service.python, str(HERE / "send.py"), "service", service.package]
    worker = [service.command, "worker", "--concurrency", str(concurrency)]
    return Side(Program(worker, service.folder, environment), Program(sender, service.folder, environment))


def _against_bare(
    service: Service, environment: Mapping[str, str], bare_environment: Mapping[str, str], effort: Effort
) -> Comparison:
    _say("2 processes, against bare tasks")
    options = ["--pool", "prefork", "--concurrency", "2", "--loglevel", "WARNING", "--without-gossip"]
    bare = Side(
        Program([service.python, "-m", "celery", "-A", "bare_celery", "worker", *options], HERE, bare_environment),
        Program([service.python, str(HERE / "send.py"), "bare", service.package], HERE, bare_environment),
    )
    sides = (_ours(service, environment, 2), bare)
    with _working(sides[0], service), _working(sides[1], service):
        rates = [[_rate(side, effort.jobs) for side in sides] for _ in range(effort.rounds)]
    return Comparison(
        name="jobs of one insert, 2 processes",
        unit="/s",
        measured=[ours for ours, _ in rates],
        against="bare Celery, which loses them",
        baseline=[theirs for _, theirs in rates],
        goal=GOAL,
    )


def _with_more_processes(service: Service, environment: Mapping[str, str], effort: Effort) -> Iterator[Comparison]:
    one: list[float] = []
    for processes in (1, 2, 4):
        _say(f"{processes} processes")
        side = _ours(service, environment, processes)
        with _working(side, service):
            rates = [_rate(side, effort.jobs) for _ in range(effort.rounds)]
        one = one or rates
        yield Comparison(f"jobs of one insert, {processes} processes", "/s", rates, "1 process", one)


def _with_more_rows(service: Service, environment: Mapping[str, str], effort: Effort) -> Iterator[Comparison]:
    side = _ours(service, environment, 2)
    filler = Program([service.python, str(HERE / "fill_jobs.py")], HERE, environment)
    few: list[float] = []
    for rows in effort.rows:
        _say(f"{rows:,} ended jobs in the table")
        filler.run(str(rows))
        with _working(side, service):
            rates = [_rate(side, effort.jobs) for _ in range(effort.rounds)]
        few = few or rates
        name = f"jobs of one insert, {rows:,} ended jobs"
        yield Comparison(name, "/s", rates, f"{effort.rows[0]:,} ended jobs", few, goal=FLAT)


def _latency(service: Service, environment: Mapping[str, str], effort: Effort) -> Comparison:
    _say("one job at a time, until it is done")
    inline = {name: value for name, value in environment.items() if name != "BROKER_URL"}
    key = Program([service.command], service.folder, environment).run("create-key", "bench@example.org").split()[-1]
    command = [service.command, "serve", "--port", "{port}"]
    taken: dict[str, list[float]] = {"inline": [], "broker": []}
    servers = {"inline": inline, "broker": environment}
    with _working(_ours(service, environment, 2), service):
        for name, chosen in servers.items():
            with serving(Program(command, service.folder, chosen)) as (_, port):
                for _ in range(effort.asked):
                    begun = time.perf_counter()
                    job_id = ask(port, "POST", "/ingest/raw", token=key, body={"text": _TEXT})["job_id"]
                    while ask(port, "GET", f"/jobs/{job_id}", token=key)["state"] != "succeeded":
                        time.sleep(0.002)
                    taken[name].append((time.perf_counter() - begun) * 1000)
    broker, here = taken["broker"][1:], taken["inline"][1:]
    name = "from the request to a job that is done, through a worker"
    return Comparison(name, " ms", broker, "inline, before the answer", here)


@contextmanager
def _working(side: Side, service: Service) -> Iterator[None]:
    """The side's worker, which has done some jobs already, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        environment = {**side.worker.environment, "WORKER_HEALTH_FILE": str(Path(folder, "health"))}
        process = Program(side.worker.command, side.worker.folder, environment).start()
        try:
            _rate(side, _WARM_UP)
            if process.poll() is not None:
                raise BenchmarkError(f"the worker {process.args!r} ended with {process.returncode}")
            yield
        finally:
            process.terminate()
            process.wait(60)


def _rate(side: Side, count: int) -> float:
    rate: float = json.loads(side.sender.run(str(count)).splitlines()[-1])["per_second"]
    return rate


def _say(what: str) -> None:
    print(f"  {what}", flush=True)
