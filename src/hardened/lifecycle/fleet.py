"""Updates of many services side by side, each in a process of its own.

A service that is broken, or an update that crashes, is a row like any other.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .git import GitError, Repository
from .service import ANSWERS

Row = dict[str, Any]
"""The outcome of one update, as its JSON."""


def update_fleet(
    folders: Sequence[Path],
    options: Sequence[str],
    *,
    jobs: int = 1,
    seconds: float = 600,
    progress: Callable[[], None] = lambda: None,
) -> list[Row]:
    """Update the services, `jobs` at once; return their rows in the order of `folders`.

    Services of one repository share its index, so they are updated one after the other.
    """
    rows: dict[Path, Row] = {}
    with TemporaryDirectory(prefix="fleet-") as scratch, ThreadPoolExecutor(max(1, jobs)) as pool:
        mirrors = _Mirrors(Path(scratch))

        def update_in_turn(neighbours: list[Path]) -> None:
            for each in neighbours:
                rows[each] = _update(each, options, mirrors.address_for(each), seconds)
                progress()

        for done in as_completed([pool.submit(update_in_turn, each) for each in _by_repository(folders)]):
            done.result()
    return [rows[each] for each in folders]


def list_services(named: Sequence[Path]) -> list[Path]:
    """Return the named folders, and those that a named file lists, each once."""
    found: list[Path] = []
    for each in named:
        if each.is_file():
            lines = (line.partition("#")[0].strip() for line in each.read_text(encoding="utf-8").splitlines())
            found += [each.parent / line for line in lines if line]
        else:
            found.append(each)
    return list(dict.fromkeys(each.absolute() for each in found))


def exit_status(rows: Sequence[Row]) -> int:
    """Return 1 where an update conflicts or was refused, else 2 where a service is behind, else 0."""
    statuses = {row["status"] for row in rows}
    return 1 if 1 in statuses else max(statuses, default=0)


@dataclass
class _Mirrors:
    """One clone of each remote template, shared by the services that were made from it."""

    folder: Path
    _clones: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def address_for(self, service: Path) -> str:
        """Return a local clone of a service's template; empty where the update reads the template itself."""
        try:
            answers = (service / ANSWERS).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""
        address = re.search(r"""^_src_path: ["']?([\w@.:/~+-]+)["']?$""", answers, re.MULTILINE)
        if not address or not re.match(r"https?://|ssh://|git@", address[1]):
            return ""
        with self._lock:
            if address[1] not in self._clones:
                target = str(self.folder / f"template-{len(self._clones)}")
                cloned = Repository(self.folder).succeeds("clone", "--quiet", "--bare", "--", address[1], target)
                self._clones[address[1]] = target if cloned else ""
            return self._clones[address[1]]


def _by_repository(folders: Sequence[Path]) -> list[list[Path]]:
    found: dict[str, list[Path]] = {}
    for each in folders:
        try:
            key = Repository(each).text("rev-parse", "--absolute-git-dir")
        except (GitError, OSError):
            key = str(each)
        found.setdefault(key, []).append(each)
    return list(found.values())


def _update(service: Path, options: Sequence[str], clone: str, seconds: float) -> Row:
    """Run the update of one service; every failure is a row."""
    command = [sys.executable, "-m", "hardened", "update", str(service), "--format=json", *options]
    command += ["--source", clone] if clone and "--source" not in options else []
    refused: Row = {"service": service.name, "state": "refused", "reason": "", "status": 1}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        advice = "look with `git status`, undo with `git reset --merge`"
        return {**refused, "reason": f"took longer than {seconds:g} s: {advice}"}
    except OSError as error:
        return {**refused, "reason": f"the update could not be started: {error}"}
    try:
        row: Row = json.loads(done.stdout)
    except json.JSONDecodeError:
        lines = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        return {**refused, "reason": f"the update broke: {lines[-1]}"}
    return row
