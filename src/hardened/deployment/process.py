"""A process as deployment files start it, and its command without what goes before it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..model import Location

SHELLS = {"sh", "bash", "dash", "ash", "zsh", "ksh"}
_FORWARDS = {"tini", "dumb-init", "docker-init", "catatonit"}


@dataclass(frozen=True)
class Process:
    """A command that a file starts; it has at least one word.

    Attributes:
        kind: compose, health (a health check in compose), dockerfile, procfile, kubernetes or script (of pyproject.toml).
        name: of the service, container or process type.
        words: the command, the image's entry point included where this project builds the image.
        shell: whether a shell runs it, which does not pass on signals.
        location: the line of the command.
        environment: what it is given, as far as the file says.
        script: what that shell is given, where it is written in this place; "" where no shell is.
        replicas: how many of it are started.
        times: how many of it may run at a time, those that take the place of others included.
        ends: whether it ends by itself: a migration, a job of a cluster.
        image: its image's name, without the registry and the tag.
        built: whether this project builds the image.
    """

    kind: str
    name: str
    words: tuple[str, ...]
    shell: bool
    location: Location
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    script: str = ""
    replicas: int = 1
    times: int = 1
    ends: bool = False
    image: str = ""
    built: bool = False


def shell_script(words: tuple[str, ...]) -> str | None:
    """The script that `sh -c` runs; "" for a shell that runs a file, None where the command is no shell."""
    words = started(words)
    if not words or words[0].rpartition("/")[2] not in SHELLS:
        return None
    for position, word in enumerate(words[1:], 1):
        if not word.startswith("-"):
            return ""
        if "c" in word and not word.startswith("--"):
            return words[position + 1] if len(words) > position + 1 else None
    return None


def started(words: tuple[str, ...]) -> tuple[str, ...]:
    """A command without its prefixes: an init process, `env`, `exec`."""
    while words:
        name = words[0].rpartition("/")[2]
        if name in _FORWARDS:
            words = words[1:]
            while words and words[0].startswith("-"):
                words = words[1:]
        elif name in ("env", "exec") or re.fullmatch(r"\w+=.*", words[0]):
            words = words[1:]
        else:
            break
    return words


def option_values(words: Sequence[str], *names: str) -> list[str]:
    """The values of an option in each of its spellings, `-c 4`, `-c4` and `--concurrency=4`; "" where one is missing."""
    found = []
    for word, after in zip(words, [*words[1:], ""], strict=False):
        for name in names:
            if word == name:
                found.append(after)
            elif word.startswith(f"{name}=") or (len(name) == 2 and word.startswith(name)):
                found.append(word.removeprefix(name).removeprefix("="))
    return found
