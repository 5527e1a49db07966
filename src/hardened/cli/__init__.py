"""The command `hardened`: one sub-command, one module.

Each module has `add_arguments(parser)` and `main(options)`, which returns the exit status.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from .. import __version__
from ..config.errors import ConfigError

COMMANDS: dict[str, str] = {
    "check": "name the failures of the catalogue in a project",
    "explain": "print the page of a rule",
    "rules": "list the rules",
    "update": "merge the template's later hardening into a service",
    "adopt": "bring a service that was not made from the template under it, piece by piece",
    "fleet": "update many services side by side, and show one table",
}
"""The sub-commands, each with its line of help; only the module of the one that is used is imported."""
_USAGE_STATUS = {"update": 1, "fleet": 1}
"""The exit status of wrong usage where 2 has a meaning: a service is behind."""


class _Parser(argparse.ArgumentParser):
    """A parser whose exit status of wrong usage can be chosen."""

    usage_status = 2

    def error(self, message: str) -> NoReturn:
        """Print the usage and the error; exit."""
        self.print_usage(sys.stderr)
        self.exit(self.usage_status, f"{self.prog}: error: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sub-command and return its exit status; one that cannot be understood exits with 2."""
    with contextlib.suppress(ValueError):  # not the main thread
        # The end that a supervisor asks for leaves no probe and no temporary files behind.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that lacks a sign must not end the run.
            stream.reconfigure(errors="backslashreplace")
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = _Parser(prog="hardened", description="Name what would break a Python service, and mend it.")
    parser.add_argument("--version", action="version", version=f"hardened {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    parsers = {
        name: commands.add_parser(name, help=line, description=f"{line.capitalize()}.")
        for name, line in COMMANDS.items()
    }
    name = next((word for word in words if not word.startswith("-")), "")
    if name not in COMMANDS:
        parser.parse_args(words)  # exits: help, version, or an error that lists the commands
    parser.usage_status = parsers[name].usage_status = _USAGE_STATUS.get(name, 2)
    command = importlib.import_module(f".{name}", __name__)
    command.add_arguments(parsers[name])
    try:
        status: int = command.main(parser.parse_args(words))
        sys.stdout.flush()
    except (ConfigError, ValueError) as error:
        parsers[name].error(str(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has gone (`| head`). Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        parsers[name].error(f"{error.filename or 'a file'}: {error.strerror or error}")
    return status
