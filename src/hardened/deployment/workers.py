"""Processes that do jobs and keep schedules: the queues that each takes from, and the number of its copies."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

from .files import whole_number
from .process import SHELLS, Process, option_values

_SERVERS = {"uvicorn", "gunicorn", "hypercorn", "granian", "daphne", "fastapi", "flask", "serve", "runserver"}
_COMMANDS = {"worker", "beat", "multi", "flower", "inspect", "control", "events", "status", "shell", "purge", "call"}
_OPTIONS = {"-A", "--app", "-b", "--broker", "--result-backend", "--loader", "--config", "--workdir"}
"""Those of Celery's options that come before its commands and take a value: `celery -A worker beat` is a beat."""
_LOCKING = ("redbeat", "singlebeat", "lock")
"""Words in the name of a scheduler, or of its wrapper, that lets one of several keep the schedule."""


@dataclass(frozen=True)
class Worker:
    """A process that takes messages. `queues` is None where it takes from all there are.

    `unknown` is set where its command does not say which, such as `-Q $QUEUES`.
    """

    process: Process
    queues: tuple[str, ...] | None
    without: tuple[str, ...] = ()
    unknown: bool = False
    prefetch: str = ""


def plain(words: Sequence[str]) -> list[str]:
    """The words of a command, those of a shell's script included."""
    found: list[str] = []
    for position, word in enumerate(words):
        shell, option = words[position - 2 : position] if position >= 2 else ("", "")
        is_script = option.startswith("-") and option.endswith("c") and PurePosixPath(shell).name in SHELLS
        try:
            found += shlex.split(word) if is_script else [word]
        except ValueError:
            found += word.split()
    return found


def _after(words: list[str], commands: Iterable[str]) -> tuple[str, list[str]]:
    """The subcommand of Celery that a command is, and its options; `commands` are others that start a worker."""
    bare = [PurePosixPath(each).name for each in words]
    if "celery" in bare:
        rest = words[bare.index("celery") + 1 :]
        name = next(
            (each for before, each in pairwise(["", *rest]) if each in _COMMANDS and before not in _OPTIONS), ""
        )
        return name.replace("multi", "worker"), rest
    for command in commands:
        parts = command.split()
        for position in range(len(bare) - len(parts) + 1):
            if bare[position : position + len(parts)] == parts:
                return "worker", words[position + len(parts) :]
    return "", []


def workers(processes: Iterable[Process], commands: Sequence[str]) -> Iterator[Worker]:
    """The workers among the processes."""
    for process in processes:
        kind, options = _after(plain(process.words), commands)
        if kind != "worker" or process.kind in ("health", "script"):
            continue
        given = option_values(options, "-Q", "--queues", "--queue")
        without = option_values(options, "-X", "--exclude-queues")
        names = tuple(name for each in given for name in each.split(",") if name)
        unknown = any("$" in each or not each for each in (*given, *without))
        prefetch = "".join(option_values(options, "--prefetch-multiplier")[-1:])
        excluded = tuple(name for each in without for name in each.split(",") if name)
        yield Worker(process, names if given else None, excluded, unknown, prefetch)


def beats(processes: Iterable[Process], commands: Sequence[str]) -> Iterator[Process]:
    """The processes that keep Celery's schedule, those apart that agree on one of them."""
    for process in processes:
        words = plain(process.words)
        kind, options = _after(words, commands)
        keeps = kind == "beat" or (
            kind == "worker" and any(each in ("-B", "--beat") or each.startswith("-B") for each in options)
        )
        agrees = any(each in " ".join(words).lower() for each in _LOCKING)
        if keeps and not agrees and process.kind not in ("health", "script"):
            yield process


def parallel(process: Process, commands: Sequence[str]) -> int:
    """The number of copies of a web server's code: its replicas times its worker processes; 0 for other processes."""
    words = plain(process.words)
    if process.kind in ("health", "script") or _after(words, commands)[0]:
        return 0
    numbers = [number for each in option_values(words, "--workers", "-w") if (number := whole_number(each)) is not None]
    if not numbers and _SERVERS.isdisjoint(PurePosixPath(each).name for each in words):
        return 0
    many = numbers[0] if numbers else whole_number(process.environment.get("WEB_CONCURRENCY"))
    return (1 if many is None else many) * process.replicas
