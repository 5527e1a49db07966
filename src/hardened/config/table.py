"""What the guards are to look at: `[tool.hardening]` in the project's pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

FILE = "pyproject.toml"
ADDRESS = re.compile(r"[\w.]+:[\w.]+")
ADDRESSES = ("application", "metadata", "settings", "celery", "client-base")
YOURS = "yours"
"""The table below `[tool.hardening]` in which a service says the same keys, so that no line has two owners."""


class ConfigError(Exception):
    """`[tool.hardening]` says something that cannot be followed; the message names the key."""


@dataclass(frozen=True)
class Acceptance:
    """One known finding that stays. `where` is the finding's whole file or its whole subject."""

    code: str
    where: str
    reason: str
    line: int | None = None


@dataclass(frozen=True)
class Config:
    """The table and `[tool.hardening.yours]`, with their defaults. Paths are relative to `root`; addresses are `module:attribute`."""

    root: Path
    package: str = ""
    source: str = "src"
    application: str = ""
    metadata: str = ""
    # Databases.
    migrations: str = "migrations/versions"
    engines: tuple[str, ...] = ()
    users_table: str = ""
    authentication_tables: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    upserts: tuple[str, ...] = ()
    # Routes.
    authentication: tuple[str, ...] = ()
    public_routes: tuple[str, ...] = ()
    owner_columns: tuple[str, ...] = ()
    owner_helpers: tuple[str, ...] = ()
    body_limits: tuple[str, ...] = ()
    secret_responses: tuple[str, ...] = ()
    # Jobs.
    celery: str = ""
    worker_commands: tuple[str, ...] = ()
    dispatchers: tuple[str, ...] = ()
    job_decorators: tuple[str, ...] = ()
    hand_on: tuple[str, ...] = ()
    # Clients.
    client_base: str = ""
    outgoing: tuple[str, ...] = ()
    requirements: tuple[str, ...] = (
        "requirements*.txt",
        "requirements*.in",
        "requirements/*.txt",
        "requirements/*.in",
    )
    # Imports.
    banned: tuple[str, ...] = ("passlib: use pwdlib",)
    # Settings and deployment.
    settings: str = ""
    compose: tuple[str, ...] = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
    dockerfiles: tuple[str, ...] = ("Dockerfile",)
    procfiles: tuple[str, ...] = ("Procfile",)
    kubernetes: tuple[str, ...] = ()
    documents: tuple[str, ...] = ("README.md", "docs/**/*.md", ".env.example")
    liveness: tuple[str, ...] = ()
    pool_settings: tuple[str, ...] = ()
    # Runs.
    accepted: tuple[Acceptance, ...] = ()

    @cached_property
    def text(self) -> str:
        """What is in pyproject.toml."""
        return (self.root / FILE).read_text(encoding="utf-8")

    @cached_property
    def document(self) -> dict[str, Any]:
        """The whole of pyproject.toml."""
        return tomllib.loads(self.text)

    def paths(self, key: str) -> list[Path]:
        """The files that a key names, patterns included, in order; those that are not there are left out."""
        return [path for name in getattr(self, key) for path in sorted(self.root.glob(name)) if path.is_file()]


def find_root(*starts: Path) -> Path | None:
    """The nearest folder at or above one of these that has a pyproject.toml with [tool.hardening]."""
    for start in starts:
        for folder in (start.resolve(), *start.resolve().parents):
            file = folder / FILE
            # By text: a file with a mistake in it must be found too, to be complained about.
            if file.is_file() and "tool.hardening" in file.read_text("utf-8", errors="replace"):
                return folder
    return None


def load_config(root: Path) -> Config:
    """Read the table; raise ConfigError, one line that names the key, for what cannot be followed."""
    root = root.resolve()
    try:
        text = (root / FILE).read_text(encoding="utf-8")
        table: object = tomllib.loads(text).get("tool", {}).get("hardening")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{FILE} cannot be read: {error}") from error
    if not isinstance(table, Mapping):
        raise ConfigError(f"{FILE} has no table [tool.hardening]; add it, with at least `package`")

    values = _values(table, text)
    yours = table.get(YOURS, {})
    if not isinstance(yours, Mapping):
        raise ConfigError(f"{YOURS} is {yours!r}; it must be a table: [tool.hardening.{YOURS}]")
    if "accepted" in yours:
        raise ConfigError(f"accepted stands in [tool.hardening.{YOURS}]; write [[tool.hardening.accepted]]")
    for name, value in _values(yours, text).items():
        before = values.get(name, getattr(Config, name))
        values[name] = (*before, *value) if isinstance(value, tuple) else value
    if "package" not in values:
        raise ConfigError("package is missing from [tool.hardening]; name the package to check")
    return Config(root, **values)


def _values(table: Mapping[str, object], text: str) -> dict[str, Any]:
    known = {field.name.replace("_", "-"): field for field in fields(Config) if field.name != "root"}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key == YOURS:
            continue
        if key not in known:
            raise ConfigError(f"{key} is no key of [tool.hardening]; it has {', '.join(known)}")
        name, default = known[key].name, known[key].default
        if key == "accepted":
            values[name] = _acceptances(value, text)
        elif isinstance(default, tuple):
            if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
                raise ConfigError(f"{key} is {value!r}; it must be a list of names")
            values[name] = tuple(value)
        elif not isinstance(value, str) or not value:
            raise ConfigError(f"{key} is {value!r}; it must be a text that is not empty")
        elif key in ADDRESSES and not ADDRESS.fullmatch(value):
            raise ConfigError(f'{key} is {value!r}; it must be of the form "package.module:attribute"')
        else:
            values[name] = value
    return values


def _acceptances(value: object, text: str) -> tuple[Acceptance, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"accepted is {value!r}; it must be tables: [[tool.hardening.accepted]]")
    headers = [
        number
        for number, line in enumerate(text.splitlines(), 1)
        if re.match(r"\s*\[\[\s*tool\.hardening\.accepted\s*\]\]", line)
    ]
    entries = []
    for index, entry in enumerate(value):
        if not isinstance(entry, Mapping) or set(entry) - {"code", "where", "reason"}:
            raise ConfigError(f"accepted has an entry {entry!r}; it must have code, where and reason alone")
        for key in ("code", "where", "reason"):
            if not isinstance(entry.get(key), str) or not entry[key].strip():
                raise ConfigError(f"accepted has an entry {entry!r} with no {key}; write one")
        line = headers[index] if len(headers) == len(value) else None
        entries.append(Acceptance(entry["code"], entry["where"], entry["reason"], line))
    return tuple(entries)
