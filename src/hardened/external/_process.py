"""Start of the linters of the tool's own environment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..model import CouldNotLook, one_line

SECONDS = 600


def run(
    tool: str,
    command: Sequence[str],
    folder: Path,
    *,
    statuses: Sequence[int] = (0,),
    more: Mapping[str, str] | None = None,
) -> tuple[str, str]:
    """Run a linter in a folder, and return what it prints to its output and to its errors.

    Why: the environment variables that Python and the linters read for themselves belong to the project's own runs.

    Raises:
        CouldNotLook: the linter cannot be started, fails, or does not come to its end.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "RUFF_"))}
    environment |= {"PYTHONUTF8": "1", **(more or {})}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise CouldNotLook(f"{tool} took longer than {SECONDS} s") from late
    except OSError as error:
        raise CouldNotLook(one_line(f"{tool} cannot be started: {error}")) from error
    if done.returncode not in statuses:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise CouldNotLook(one_line(f"{tool} failed with status {done.returncode}: {lines[-1] if lines else ''}"))
    return done.stdout, done.stderr
