"""Updates many services side by side, each in a process of its own, and shows one table; `nox -s fleet -- DIR…`.

A service that is broken, or an update that crashes, is a row of the table like any other. Exit status: 0 all is done, 1
some have conflicts or were refused, 2 some are behind (`--check` alone).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
TOOL = ROOT / "template" / "tools" / "update.py"
ANSWERS = ".copier-answers.yml"
COLOURS = {"updated": "green", "would update": "green", "current": "dim", "behind": "yellow"}


@dataclass
class Mirrors:
    """One clone of each template that is far away, for all services that were made from it."""

    folder: Path
    _known: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, service: Path) -> str:
        """Where this service's template can be read from nearby; empty where the update is to look for itself."""
        try:
            answers = (service / ANSWERS).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""
        found = re.search(r"""^_src_path: ["']?([\w@.:/~+-]+)["']?$""", answers, re.MULTILINE)
        if not found or not re.match(r"https?://|ssh://|git@", found[1]):
            return ""
        with self._lock:
            if found[1] not in self._known:
                target = self.folder / f"template-{len(self._known)}"
                command = ["git", "clone", "--quiet", "--bare", "--", found[1], str(target)]
                own = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
                done = subprocess.run(command, env=own, capture_output=True, check=False)
                self._known[found[1]] = str(target) if done.returncode == 0 else ""
            return self._known[found[1]]


def services(named: Sequence[Path]) -> list[Path]:
    """The folders that are named, and those that a named file lists; each once."""
    found: list[Path] = []
    for each in named:
        if each.is_file():
            lines = (line.partition("#")[0].strip() for line in each.read_text(encoding="utf-8").splitlines())
            found += [each.parent / line for line in lines if line]
        else:
            found.append(each)
    return list(dict.fromkeys(each.absolute() for each in found))


def repositories(folders: Sequence[Path]) -> list[list[Path]]:
    """The services by their repositories: those of one are updated one after the other."""
    found: dict[str, list[Path]] = {}
    for each in folders:
        command = ["git", "rev-parse", "--absolute-git-dir"]
        own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_DIR")}
        try:
            asked = subprocess.run(command, cwd=each, env=own, capture_output=True, text=True, check=False)
            key = asked.stdout.strip() or str(each)
        except OSError:
            key = str(each)
        found.setdefault(key, []).append(each)
    return list(found.values())


def update(service: Path, options: Sequence[str], source: str, seconds: float) -> dict[str, Any]:
    """What the update of one service says; whatever goes wrong is an answer too."""
    command = [sys.executable, str(TOOL), str(service), "--format=json", *options]
    command += ["--source", source] if source and "--source" not in options else []
    refused: dict[str, Any] = {"service": service.name, "state": "refused", "told": "", "status": 1}
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return {
            **refused,
            "told": f"took longer than {seconds:g} s: look with `git status`, undo with `git reset --merge`",
        }
    except OSError as error:
        return {**refused, "told": f"the update could not be started: {error}"}
    try:
        read: dict[str, Any] = json.loads(done.stdout)
    except json.JSONDecodeError:
        said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        return {**refused, "told": f"the update broke: {said[-1]}"}
    return read


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """One row for each service."""
    made = Table(title=f"{len(rows)} services", title_justify="left")
    for name in ("service", "template", "behind by", "state", "conflicts", "new findings", "accepted"):
        made.add_column(name, overflow="fold", justify="right" if name in COUNTED else "left")
    for row in rows:
        colour = COLOURS.get(row["state"], "red")
        check = row.get("check") or {}
        findings = "?" if check.get("after") is None else str(len(row.get("new_findings", ())))
        made.add_row(
            escape(row["service"]),
            row.get("version") or "?",
            str(len(row["behind"])) if row.get("target") else "?",
            f"[{colour}]{row['state']}[/]",
            str(len(row.get("conflicts", ()))) if row["state"] != "refused" else "",
            findings if row.get("target") and row["state"] not in ("refused", "current", "behind") else "",
            str(len(row.get("accepted", ()))) if row.get("accepted") else "",
        )
    return made


COUNTED = {"behind by", "conflicts", "new findings", "accepted"}


def notes(row: dict[str, Any]) -> list[str]:
    """What does not fit into the table."""
    lines = [row["told"]] if row["told"] else []
    lines += [f"conflict: {each['path']}: {each['what']}" for each in row.get("conflicts", ())]
    lines += [f"finding: {each['file']}:{each['line']}: {each['message']}" for each in row.get("new_findings", ())]
    told = (row.get("check") or {}).get("told", "")
    lines += [f"check: {told}"] if told and "--no-check" not in told else []
    lines += [
        f"accepted: {each.get('code')} at {each.get('where')}: {each.get('reason')}" for each in row.get("accepted", ())
    ]
    return [f"{row['service']}: {line}" for line in lines]


def main(arguments: Sequence[str] | None = None) -> int:
    """Update the services; give the exit status."""
    parser = argparse.ArgumentParser(prog="fleet", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("services", type=Path, nargs="+", help="folders of services, or files that list them")
    parser.add_argument("--dry-run", action="store_true", help="show the same, change nothing")
    parser.add_argument("--check", action="store_true", help="only say whether there is something")
    parser.add_argument("--no-check", action="store_true", help="do not ask the guards; much quicker")
    for name in ("--to", "--source", "--template", "--python"):
        parser.add_argument(name, help="as the update has it")
    parser.add_argument("--data", action="append", default=[], help="as the update has it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at once")
    parser.add_argument("--seconds", type=float, default=600, help="how long one may take")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    options = parser.parse_args(arguments)
    passed = [f"--{name}" for name in ("dry-run", "check", "no-check") if getattr(options, name.replace("-", "_"))]
    for name in ("to", "source", "template", "python"):
        if value := getattr(options, name):
            passed += [f"--{name}", value]
    passed += [word for each in options.data for word in ("--data", each)]

    folders = services(options.services)
    rows: dict[Path, dict[str, Any]] = {}
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
    with tempfile.TemporaryDirectory(prefix="fleet-") as scratch, bar:
        mirrors = Mirrors(Path(scratch))
        task = bar.add_task("updating", total=len(folders))

        def one_after_the_other(neighbours: list[Path]) -> None:
            for each in neighbours:
                rows[each] = update(each, passed, mirrors.of(each), options.seconds)
                bar.advance(task)

        with ThreadPoolExecutor(max(1, options.jobs)) as pool:
            for done in as_completed([pool.submit(one_after_the_other, each) for each in repositories(folders)]):
                done.result()
    ordered = [rows[each] for each in folders]
    if options.format == "json":
        print(json.dumps(ordered))
    else:
        console = Console()
        console.print(table(ordered))
        for line in [line for row in ordered for line in notes(row)]:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    statuses = {row["status"] for row in ordered}
    return 1 if 1 in statuses else max(statuses)


if __name__ == "__main__":
    sys.exit(main())
