"""`hardened adopt`: bring a service that was not made here under the template, piece by piece."""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path

from ..lifecycle.adopt import PIECES, AdoptOptions, adopt, default_template
from ..lifecycle.errors import LifecycleError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("service", type=Path, help="the folder of a service that was not made here")
    parser.add_argument("--piece", choices=list(PIECES), default="checks", help="the piece to take; checks come first")
    parser.add_argument("--package", help="the name of its package, where there are several")
    parser.add_argument(
        "--template", default=default_template(), help="the template's address, which is recorded; else this tool's own"
    )


def main(options: argparse.Namespace) -> int:
    """Adopt; return the exit status: 0 done, 1 refused."""
    name = options.service.resolve().name
    if options.template is None:
        sys.stderr.write(f"{name}: the template's address is not known: name it with --template\n")
        return 1
    try:
        lines = adopt(AdoptOptions(options.service, options.template, options.piece, options.package))
    except (LifecycleError, tomllib.TOMLDecodeError) as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    sys.stdout.write("\n".join(lines) + "\n")
    return 0
