"""The cost of `hardened update` against `copier update`: processor time, in turns, on one service."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from copier import run_copy
from results import Comparison, Goal

GOAL = Goal(most=2.0)
ROOT = Path(__file__).resolve().parent.parent
NOW = "v999.0.0"
ENVIRONMENT = {"PYTHONPATH": str(ROOT / "src")}
IDENTITY = {f"GIT_{role}_{part}": "bench@localhost" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}


def measure(rounds: int) -> list[Comparison]:
    """A service of the oldest release to the checkout as it is committed; without the guards, which Copier has not."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        template, service = tagged(folder / "template"), folder / "service"
        oldest = releases()[0][0]
        make(template, service, oldest)
        own, plain = [], []
        commands = {
            "own": [sys.executable, "-m", "hardened", "update", "--no-check"],
            "plain": [sys.executable, "-m", "copier", "update", "--defaults", "--quiet", "--vcs-ref", NOW],
        }
        for each in range(rounds):
            print(f"  round {each + 1} of {rounds}", flush=True)
            own.append(_timed(commands["own"], service, folder / "own"))
            plain.append(_timed(commands["plain"], service, folder / "plain"))
    return [Comparison(f"hardened update, {oldest} to now", " s", own, "copier update", plain, GOAL)]


def releases() -> list[tuple[str, str]]:
    """Version and commit of each, oldest first."""
    rows = tomllib.loads((ROOT / "releases.toml").read_text(encoding="utf-8"))["release"]
    return [(row["version"], row["commit"]) for row in rows]


def tagged(folder: Path) -> Path:
    """A clone of what is committed, with a tag for each release and for now."""
    git(folder.parent, "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder))
    for version, commit in [*releases(), (NOW, "HEAD")]:
        git(folder, "tag", "--force", version, commit)
    return folder


def make(template: Path, folder: Path, version: str, **answers: object) -> None:
    """A service of this version, committed."""
    run_copy(str(template), folder, data=answers, defaults=True, quiet=True, vcs_ref=version)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "first")


def git(folder: Path, *arguments: str) -> None:
    """Run git."""
    subprocess.run(["git", *arguments], cwd=folder, env={**os.environ, **IDENTITY}, check=True, capture_output=True)


def _timed(command: list[str], service: Path, copy: Path) -> float:
    """The processor time of a command on a copy of the service, its children's included."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(service, copy, symlinks=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=copy, env={**os.environ, **IDENTITY, **ENVIRONMENT}, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
