"""Facts that well-kept tools find: findings of ruff, deptry and mypy, each for the code of the catalogue that it stands for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..config.table import Config
from ..model import CouldNotLook, Location

RUFF: dict[str, tuple[str, ...]] = {
    "JB009": ("E722", "BLE001", "S110", "S112"),
    "IM001": ("PLC0415",),
    "RN002": ("ASYNC210", "ASYNC212", "ASYNC220", "ASYNC221", "ASYNC222", "ASYNC230", "ASYNC250", "ASYNC251"),
    "RN003": ("DTZ",),
}
"""The rules that stand for a failure of the catalogue; they are looked for even where ruff.toml does not select them."""

OUTSIDE = (r"(.*/)?\.", r"(.*/)?(node_modules|site-packages|__pycache__)/", r"venv/", r"tests/", r"setup\.py")
"""Patterns of the paths that deptry leaves alone, where the project names none."""


@dataclass(frozen=True)
class Lint:
    """What a tool says of a line."""

    rule: str
    message: str
    location: Location


def ruff(config: Config) -> dict[str, list[Lint]]:
    """What ruff finds in the source, by the code of the catalogue; ignores that stand there hold.

    What git ignores is looked at as well: in a project that lies in a folder that another repository ignores, ruff and
    deptry would look at nothing and find nothing.
    """
    rules = ",".join(rule for each in RUFF.values() for rule in each)
    options = [
        "check",
        f"--select={rules}",
        "--output-format=json",
        "--no-cache",
        "--exit-zero",
        "--no-respect-gitignore",
    ]
    told, beside = _run(config, "ruff", *options, config.source)
    if "No Python files found" in beside:
        raise CouldNotLook(f"ruff found no Python file in {config.source}: does [tool.ruff] or ruff.toml exclude it?")
    found: dict[str, list[Lint]] = {code: [] for code in RUFF}
    for row in json.loads(told):
        rule = str(row.get("code") or "")
        location = Location.of(config.root, row["filename"], row["location"]["row"])
        for code, prefixes in RUFF.items():
            if rule.startswith(prefixes):
                found[code].append(Lint(rule, row["message"], location))
    return found


def deptry(config: Config) -> list[Lint]:
    """What deptry finds: undeclared, transitive, unused and misplaced dependencies."""
    # deptry leaves out what git ignores, unless it is told what to leave out.
    excludes = "exclude" in config.document.get("tool", {}).get("deptry", {})
    options = [] if excludes else [f"--exclude={pattern}" for pattern in (*OUTSIDE, *_environments(config.root))]
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "deptry.json"
        _, beside = _run(config, "deptry", ".", f"--json-output={answer}", *options, statuses=(0, 1))
        if "Scanning 0 file" in beside:
            raise CouldNotLook("deptry found no Python file: does [tool.deptry] exclude them all?")
        rows = json.loads(answer.read_text(encoding="utf-8"))
    return [
        Lint(
            row["error"]["code"],
            row["error"]["message"],
            Location.of(config.root, config.root / row["location"]["file"], row["location"]["line"]),
        )
        for row in rows
    ]


def mypy(config: Config) -> list[Lint]:
    """The attributes that mypy does not find in the package, as the project's own settings have it look.

    It keeps its cache where it always does: the first look takes a minute, the next ones seconds.
    """
    package = config.root.joinpath(config.source, *config.package.split(".")).relative_to(config.root)
    told, _ = _run(config, "mypy", "--output=json", "--no-error-summary", str(package), statuses=(0, 1))
    rows = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    return [
        Lint(row["code"], row["message"], Location.of(config.root, config.root / row["file"], row["line"]))
        for row in rows
        # What a module lacks fails when it is imported: that is IM003's.
        if row["code"] == "attr-defined" and not row["message"].startswith("Module ")
    ]


def _environments(root: Path) -> list[str]:
    """Virtual environments in the project whose names do not tell what they are."""
    return [f"{re.escape(mark.parent.name)}/" for mark in root.glob("*/pyvenv.cfg")]


def _run(config: Config, tool: str, *arguments: str, statuses: tuple[int, ...] = (0,)) -> tuple[str, str]:
    """What a tool of this environment prints, and beside it; raise CouldNotLook where it is missing or fails."""
    beside = Path(sys.executable).with_name(tool)
    path = str(beside) if beside.exists() else shutil.which(tool)
    if path is None:
        raise CouldNotLook(f"{tool} is not installed; it is in the development group: `nox -s check` has it")
    done = subprocess.run([path, *arguments], cwd=config.root, capture_output=True, text=True, check=False)
    if done.returncode not in statuses:
        raise CouldNotLook(f"{tool} failed: {(done.stderr or done.stdout).strip()[:200]}")
    return done.stdout, done.stderr
