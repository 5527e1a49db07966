"""`hardened check`: name the failures of the catalogue in a project."""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path

from ..config.baseline import read_baseline, write_baseline
from ..config.discovery import find_root
from ..config.errors import ConfigError
from ..report import FORMATS, Report, render
from ..run import check

_EPILOG = "Exit status: 0 nothing fails, 1 findings, 2 none, but not everything could be looked at, or wrong usage."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "path", nargs="?", type=Path, default=Path(), metavar="PATH", help="the project (default: here)"
    )
    parser.add_argument("--select", metavar="CODES", action="append", default=[], help="codes or families: RT001,DB")
    parser.add_argument("--format", choices=list(FORMATS), default="text", help="default: text")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the report there")
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="let only findings fail that it does not have")
    parser.add_argument(
        "--write-baseline", type=Path, metavar="FILE", help="write what is found as a baseline, and exit"
    )
    parser.add_argument("--python", metavar="INTERPRETER", help="the project's interpreter; else it is searched for")
    parser.add_argument("--no-import", action="store_true", help="judge from files alone; the project is not imported")


def main(options: argparse.Namespace) -> int:
    """Check a project, write the report, and return the exit status.

    Raises:
        ConfigError: a file that is named cannot be read or written.
        ValueError: there is no such rule.
    """
    if not options.path.is_dir():
        raise ConfigError(f"{options.path} is no folder; name the project's folder")
    baseline = read_baseline(options.baseline) if options.baseline else None
    select = [code.strip() for each in options.select for code in each.split(",")]
    gc.disable()
    report = check(
        find_root(options.path),
        select=select,
        python=options.python,
        imports=not options.no_import,
        baseline=baseline,
    )
    gc.freeze()  # the process ends with this: to look through all of it for garbage took a fifth of the whole
    gc.enable()
    if options.write_baseline:
        return _write_baseline(options.write_baseline, report)
    _write(render(report, options.format), options.output)
    if options.format != "text" or options.output:
        for each in report.could_not_look:
            sys.stderr.write(f"could not look: {each.code}: {each.reason}\n")
    return report.status


def _write(text: str, path: Path | None) -> None:
    if path is None:
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}; name another --output") from error


def _write_baseline(path: Path, report: Report) -> int:
    findings = [each for each in (*report.findings, *report.known) if each not in report.unused]
    count = write_baseline(path, findings)
    sys.stdout.write(f"{path} has {count} finding{'s' * (count != 1)}; from now on: hardened check --baseline {path}\n")
    for each in report.could_not_look:
        sys.stderr.write(f"could not look: {each.code}: {each.reason}\n")
    return 2 if report.could_not_look else 0
