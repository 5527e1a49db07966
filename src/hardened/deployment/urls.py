"""Addresses of databases and brokers in compose files, examples of settings, Dockerfiles and manifests."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..config.table import Config
from ..model import Location
from ..records.deployment import Driver
from .compose import Compose
from .files import is_file, read_text

_EXAMPLES = (".env.example", ".env.sample", ".env.template", "env.example")
_LINE = re.compile(r"\s*(?:-\s+|export\s+|ENV\s+|ARG\s+)?[{\"']*([\w.]+)[\"']?\s*[=:]\s*[\"']?([a-z]+(?:\+\w+)?://)")
_OF_PYTHON = re.compile(r"broker|celery|redis_url|result_backend|database_url", re.IGNORECASE)


def drivers(config: Config, compose: Compose) -> Iterator[Driver]:
    """The drivers that these addresses need."""
    for service in compose.services.values():
        if service.is_built or str(service.get("image")) in compose.built_images:
            for variable in service.variables.values():
                yield from Driver.of(variable.value, variable.location)
    examples = [path for name in _EXAMPLES if is_file(path := config.root / name)]
    files = [(path, True) for path in (*examples, *filter(is_file, sorted(config.root.glob("alembic*.ini"))))]
    # What is written there may be meant for other programs, unless it names a driver of Python's.
    files += [(path, False) for key in ("dockerfiles", "kubernetes") for path in config.paths(key)]
    for path, plain in files:
        try:
            lines = read_text(path).splitlines()
        except OSError:
            continue
        for number, line in enumerate(lines, 1):
            if match := _LINE.match(line):
                location = Location.of(config.root, path, number)
                yield from Driver.of(match[2], location, plain=plain or bool(_OF_PYTHON.search(match[1])))
