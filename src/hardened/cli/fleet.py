"""`hardened fleet`: update many services side by side, and show one table."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ..lifecycle.fleet import Row, exit_status, list_services, update_fleet

_COLOURS = {"updated": "green", "would update": "green", "current": "dim", "behind": "yellow"}
_NUMBERS = {"behind by", "conflicts", "new findings", "accepted"}
_FLAGS = ("dry-run", "check", "no-check")
_VALUES = ("to", "source", "template", "python")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("services", type=Path, nargs="+", help="folders of services, or files that list them")
    parser.add_argument("--dry-run", action="store_true", help="show the same, change nothing")
    parser.add_argument("--check", action="store_true", help="only compare the versions; exit status 2 when behind")
    parser.add_argument("--no-check", action="store_true", help="do not look for findings; much quicker")
    for name in _VALUES:
        parser.add_argument(f"--{name}", help="as `hardened update` has it")
    parser.add_argument("--data", action="append", default=[], help="as `hardened update` has it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at once")
    parser.add_argument("--seconds", type=float, default=600, help="how long one may take")
    parser.add_argument("--format", choices=["table", "json"], default="table")


def main(options: argparse.Namespace) -> int:
    """Update; return the exit status: 0 all done, 1 conflicts or refusals, 2 behind (`--check` alone)."""
    folders = list_services(options.services)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task("updating", total=len(folders))
        rows = update_fleet(
            folders,
            _update_options(options),
            jobs=options.jobs,
            seconds=options.seconds,
            progress=lambda: bar.advance(task),
        )
    if options.format == "json":
        sys.stdout.write(json.dumps(rows) + "\n")
    else:
        console = Console()
        console.print(_table(rows))
        for line in [line for row in rows for line in _notes(row)]:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    return exit_status(rows)


def _update_options(options: argparse.Namespace) -> list[str]:
    """The options for each single update."""
    given = [f"--{name}" for name in _FLAGS if getattr(options, name.replace("-", "_"))]
    for name in _VALUES:
        if value := getattr(options, name):
            given += [f"--{name}", value]
    return given + [word for each in options.data for word in ("--data", each)]


def _table(rows: Sequence[Row]) -> Table:
    """One row for each service."""
    table = Table(title=f"{len(rows)} service{'s' * (len(rows) != 1)}", title_justify="left")
    for name in ("service", "template", "behind by", "state", "conflicts", "new findings", "accepted"):
        table.add_column(name, overflow="fold", justify="right" if name in _NUMBERS else "left")
    for row in rows:
        colour = _COLOURS.get(row["state"], "red")
        known = bool(row.get("target"))
        checked = (row.get("check") or {}).get("after") is not None
        findings = str(len(row.get("new_findings", ()))) if checked else "?"
        table.add_row(
            escape(row["service"]),
            row.get("version") or "?",
            str(len(row["behind"])) if known else "?",
            f"[{colour}]{row['state']}[/]",
            str(len(row.get("conflicts", ()))) if row["state"] != "refused" else "",
            findings if known and row["state"] not in ("refused", "current", "behind") else "",
            str(len(row.get("accepted", ()))) if row.get("accepted") else "",
        )
    return table


def _notes(row: Row) -> list[str]:
    """Lines for the things that do not fit into the table."""
    lines = [row["reason"]] if row["reason"] else []
    lines += [f"conflict: {each['path']}: {each['cause']}" for each in row.get("conflicts", ())]
    lines += [f"finding: {each['file']}:{each['line']}: {each['message']}" for each in row.get("new_findings", ())]
    reason = (row.get("check") or {}).get("reason", "")
    lines += [f"check: {reason}"] if reason and "--no-check" not in reason else []
    lines += [
        f"accepted: {each.get('code')} at {each.get('where')}: {each.get('reason')}" for each in row.get("accepted", ())
    ]
    return [f"{row['service']}: {line}" for line in lines]
