"""Dockerfiles: which processes their stages start."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..model import Location
from .compose import Service, command, substituted
from .files import is_file, read_text, real
from .process import Process, shell_script


@dataclass(frozen=True)
class Image:
    """The processes that a container of an image starts where nothing else is asked for."""

    entry: Process | None = None
    default: Process | None = None

    def processes(self) -> Iterator[Process]:
        yield from (each for each in (self.entry, self.default) if each)


def recipe(service: Service) -> Path | None:
    """The Dockerfile that a service is built with."""
    build = service.get("build")
    if build is None:
        return None
    options = build if isinstance(build, dict) else {"context": build}
    folder = service.path.parent / substituted(str(options.get("context") or "."))
    return real(folder / substituted(str(options.get("dockerfile") or "Dockerfile")))


def has_healthcheck(service: Service) -> bool:
    """Report whether the Dockerfile that a service is built with has a health check."""
    path = recipe(service)
    if path is None or not is_file(path):
        return False
    try:
        return any(word == "HEALTHCHECK" and value.upper() != "NONE" for word, value, _ in instructions(path))
    except OSError:
        return True


def instructions(path: Path) -> Iterator[tuple[str, str, int]]:
    """Each instruction of a Dockerfile, its arguments, and its line.

    Raises:
        OSError: the file cannot be read.
    """
    pending, begun, until = "", 0, ""
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if until:
            until = "" if line.strip() == until else until
            continue
        if re.match(r"\s*#", line) or (not line.strip() and not pending):
            continue
        begun = begun or number
        pending += re.sub(r"[\\`]\s*$", "", line) + " "
        if re.search(r"[\\`]\s*$", line):
            continue
        word, _, value = pending.strip().partition(" ")
        if word.upper() in ("RUN", "COPY", "ADD") and (inline := re.search(r"<<-?[\"']?(\w+)", value)):
            until = inline[1]
        yield word.upper(), value.strip(), begun
        pending, begun = "", 0


def stages(root: Path, path: Path) -> dict[str, Image]:
    """The stages of a Dockerfile, in order.

    Raises:
        OSError: the file cannot be read.
    """
    found: dict[str, Image] = {}
    name, image = "", Image()
    for word, value, line in instructions(path):
        if word == "FROM":
            parts = [each for each in value.split() if not each.startswith("--")]
            # A stage starts what the stage starts that it is made from.
            image = found.get(parts[0] if parts else "", Image())
            name = parts[2] if len(parts) > 2 and parts[1].lower() == "as" else str(len(found))
        elif word in ("ENTRYPOINT", "CMD"):
            words, shell = _exec_form(value)
            location = Location.of(root, path, line)
            script = value if shell else shell_script(words)
            made = Process("dockerfile", word, words, shell or script is not None, location, script=script or "")
            # `ENTRYPOINT []` takes away that of the image below.
            image = replace(image, **{"entry" if word == "ENTRYPOINT" else "default": made if words else None})
        if name:
            found[name] = image
    return found


def _exec_form(value: str) -> tuple[tuple[str, ...], bool]:
    """The words of a command in a Dockerfile, and whether a shell is put before them."""
    try:
        words = json.loads(value)
    except (ValueError, RecursionError):
        words = None
    # What is no list of JSON, with its double quotes, is taken for a line of a shell.
    return (command(words), False) if isinstance(words, list) else (command(value), True)
