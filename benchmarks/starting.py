"""Seconds of processor time that importing and starting take, of the service and of the bare application."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from results import Comparison, Goal
from serving import HERE, BenchmarkError, Program, Service, free_port, wait_for_answer

GOAL = Goal(most=1.5, value_below=1.0)
BASELINE = "import fastapi, sqlalchemy"


def measure(service: Service, rounds: int) -> list[Comparison]:
    """Each against the bare import, which is measured in every round."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        ours = {"DATABASE_URL": f"sqlite:///{Path(folder, 'service.db')}"}
        theirs = {"BARE_DATABASE_URL": f"sqlite+aiosqlite:///{Path(folder, 'bare.db')}"}
        Program([service.command, "migrate"], service.folder, ours).run()

        def python(where: Path, environment: Mapping[str, str], *arguments: str) -> Program:
            return Program([service.python, *arguments], where, environment)

        imports = {
            BASELINE: python(HERE, {}, *_importing(BASELINE)),
            "service, import": python(service.folder, ours, *_importing(f"import {service.package}.main")),
            "bare, import": python(HERE, theirs, *_importing("import bare")),
        }
        # Through uvicorn alike; the service's own command also looks at the database's migrations first.
        served = {
            "service, first answer": python(
                service.folder, ours, "-m", "uvicorn", f"{service.package}.main:app", "--port", "{port}"
            ),
            "service, first answer of its `serve`": Program(
                [service.command, "serve", "--port", "{port}"], service.folder, ours
            ),
            "bare, first answer": python(HERE, theirs, "-m", "uvicorn", "bare:app", "--port", "{port}"),
        }
        took = defaultdict[str, list[float]](list)
        # The first round writes the compiled modules and counts for nothing.
        for each in range(rounds + 1):
            print(f"  round {each} of {rounds}", flush=True)
            for name, program in (imports | served).items():
                seconds = _cpu(program, until_answer=name in served)
                if each > 0:
                    took[name].append(seconds)
    return [
        Comparison(name, " s", values, BASELINE, took[BASELINE], GOAL if name.startswith("service") else None)
        for name, values in took.items()
        if name != BASELINE
    ]


def _importing(statement: str) -> tuple[str, str]:
    """Options with which Python imports and ends at once: taking the modules down again is no part of a start."""
    return "-c", f"{statement}\nimport os\nos._exit(0)"


def _cpu(program: Program, *, until_answer: bool) -> float:
    """What the process used until its end, or until its first answer, at which it is killed."""
    port = free_port()
    process = program.start(port)
    answered = False
    try:
        if until_answer:
            wait_for_answer(process, port)
            answered = True
    finally:
        if until_answer:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if not answered and process.returncode != 0:
        raise BenchmarkError(f"`{' '.join(program.command)}` ended with {process.returncode}")
    return used.ru_utime + used.ru_stime
