"""`hardened update`: merge the template's later hardening into a service."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from ..lifecycle.summary import summary
from ..lifecycle.update import UpdateOptions, update


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("service", type=Path, nargs="?", default=Path(), help="the service's folder; else this one")
    parser.add_argument("--dry-run", action="store_true", help="show the same, change nothing")
    parser.add_argument("--check", action="store_true", help="only compare the versions; exit status 2 when behind")
    parser.add_argument("--to", metavar="VERSION", help="a version of the template; else its newest release")
    parser.add_argument("--data", metavar="QUESTION=ANSWER", action="append", default=[], help="answers a new question")
    parser.add_argument("--template", metavar="ADDRESS", help="the template's new address, which is recorded")
    parser.add_argument("--source", metavar="CLONE", help="read the template from here, and record nothing of it")
    parser.add_argument("--no-check", action="store_true", help="do not look for findings before and after")
    parser.add_argument("--python", type=Path, help="check with this interpreter, and install nothing")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument("--summary", type=Path, metavar="FILE", help="write the summary there too")


def main(options: argparse.Namespace) -> int:
    """Update; return the exit status: 0 done or nothing to do, 1 conflicts or refused, 2 behind (`--check` alone)."""
    outcome = update(
        UpdateOptions(
            service=options.service,
            dry_run=options.dry_run,
            only_compare=options.check,
            target=options.to,
            data=tuple(options.data),
            template=options.template,
            clone=options.source,
            check=not options.no_check,
            python=options.python,
        )
    )
    text = summary(outcome)
    if options.summary:
        options.summary.write_text(text, encoding="utf-8")
    if options.format == "json":
        text = json.dumps({**asdict(outcome), "new_findings": outcome.check.new, "status": outcome.status}) + "\n"
    refused = outcome.state == "refused" and options.format == "text"
    (sys.stderr if refused else sys.stdout).write(text)
    return outcome.status
