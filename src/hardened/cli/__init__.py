"""The command `hardened`."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence
from pathlib import Path

from ..config.table import find_root
from ..run import FORMATS, exit_status, explain, render, run


def main(arguments: Sequence[str] | None = None, *, program: str = "hardened") -> int:
    """Run the guards; give the exit status: 0 nothing found, 1 findings, 2 could not look."""
    parser = argparse.ArgumentParser(prog=program, description="Name what would break this service.")
    parser.add_argument("--format", choices=list(FORMATS), default="text")
    parser.add_argument("--select", metavar="CODES", action="append", help="codes or families: RT001,DB")
    parser.add_argument("--explain", metavar="CODE", help="tell the whole story of one guard")
    parser.add_argument("--root", type=Path, help="the project's folder; else it is searched for upwards")
    options = parser.parse_args(arguments)
    select = [code.strip() for each in options.select or () for code in each.split(",")]
    try:
        if options.explain:
            sys.stdout.write(explain(options.explain) + "\n")
            return 0
        root = options.root or find_root(Path.cwd())
        if root is None:
            parser.error(f"no pyproject.toml with [tool.hardening] at or above {Path.cwd()}; use --root")
        gc.disable()
        report = run(root, select=select)
        gc.freeze()  # the process ends with this: to look through all of it for garbage took a fifth of the whole
        gc.enable()
    except ValueError as error:
        parser.error(str(error))
    sys.stdout.write(render(report, options.format))
    if options.format != "text":
        for each in report.could_not_look:
            sys.stderr.write(f"could not look: {each.code}: {each.reason}\n")
    return exit_status(report)
