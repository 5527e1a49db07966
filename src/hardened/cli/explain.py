"""`hardened explain`: print the pages of rules."""

from __future__ import annotations

import argparse
import sys

from ..run import explain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("codes", metavar="CODE", nargs="+", help="RT001")


def main(options: argparse.Namespace) -> int:
    """Print the pages.

    Raises:
        ValueError: there is no such rule.
    """
    codes = [code for each in options.codes for code in each.split(",") if code] or [""]
    sys.stdout.write("\n".join(explain(code) for code in codes))
    return 0
