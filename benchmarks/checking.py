"""Cost of `hardened check`: processor time of the whole run, its probe and its linters included."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from results import Comparison, Goal
from serving import BenchmarkError, Service, clean_environment

FRESH = Goal(value_below=2.0)
BASELINE = "the service's import alone"


def measure(service: Service, rounds: int) -> list[Comparison]:
    """A fresh service, against what importing it takes: the tool cannot know more for less."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        # Of its own: the folder of the benchmarks lies where git ignores it, and has files of other benchmarks.
        folder = shutil.copytree(service.folder, Path(name, "service"), ignore=shutil.ignore_patterns(".venv", "var"))
        check = [sys.executable, "-m", "hardened", "check", str(folder), "--python", service.python]
        whole, alone = [], []
        for each in range(rounds + 1):
            print(f"  round {each} of {rounds}", flush=True)
            took = _cpu(check, folder), _cpu(_importing(service), folder)
            # The first round writes the compiled modules and counts for nothing.
            if each > 0:
                whole.append(took[0])
                alone.append(took[1])
    return [Comparison("check of a fresh service", " s", whole, BASELINE, alone, FRESH)]


def _importing(service: Service) -> list[str]:
    statement = f"import {service.package}.main, {service.package}.worker, os; os._exit(0)"
    return [service.python, "-c", statement]


def _cpu(command: list[str], folder: Path) -> float:
    """Seconds of processor time of a command, and of the processes that it waited for."""
    process = subprocess.Popen(
        command, cwd=folder, env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise BenchmarkError(f"`{' '.join(command)}` ended with {process.returncode}")
    return used.ru_utime + used.ru_stime
