"""`hardened explain`: print the page of a rule."""

from __future__ import annotations

import argparse
import sys

from ..run import explain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("code", metavar="CODE", help="RT001")


def main(options: argparse.Namespace) -> int:
    """Print the page.

    Raises:
        ValueError: there is no such rule.
    """
    sys.stdout.write(explain(options.code))
    return 0
