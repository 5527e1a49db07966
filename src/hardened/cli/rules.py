"""`hardened rules`: list the rules, and the keys of `[tool.hardening]` that each declares."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields

from ..rules import RULES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command: none."""
    del parser


def main(options: argparse.Namespace) -> int:
    """Print one line for each rule and one for each key of it."""
    del options
    for rule in RULES:
        sys.stdout.write(f"{rule.__name__}  {rule.title()}\n")
        for each in fields(rule):
            sys.stdout.write(f"       {each.name.replace('_', '-')}: {each.metadata['help']}\n")
    return 0
