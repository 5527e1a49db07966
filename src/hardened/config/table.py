"""`[tool.hardening]` in the project's pyproject.toml: which things the rules look at, and by which names."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from .acceptances import Acceptance, read_acceptances
from .discovery import FILE as FILE
from .discovery import find_package, find_source, project_name
from .errors import ConfigError
from .presets import load_preset

ADDRESS = re.compile(r"[\w.]+:[\w.]+")
ADDRESSES = ("application", "metadata", "settings", "celery", "client-base")
YOURS = "yours"
"""The table below `[tool.hardening]` that has the same keys; services of 0.4 and before keep the owner's values in it."""
_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_FOLDERS = ("source", "migrations")
_RELEASE = re.compile(r"\d+\.\d+")
_NO_KEYS = ("root", "options", "assumptions")


@dataclass(frozen=True)
class Config:
    """The keys that facts or several rules read, with their defaults; a key of one rule is declared there. Paths are relative to `root`; addresses are `module:attribute`.

    Attributes:
        options: the values of the keys that single rules declare, by name.
        assumptions: what was derived, since nothing names it; one line each.
    """

    root: Path
    package: str = ""
    source: str = "src"
    application: str = ""
    metadata: str = ""
    # Databases.
    migrations: str = "migrations/versions"
    authentication_tables: tuple[str, ...] = ()
    upserts: tuple[str, ...] = ()
    # Routes.
    authentication: tuple[str, ...] = ()
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
    # Settings and deployment.
    settings: str = ""
    compose: tuple[str, ...] = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
    dockerfiles: tuple[str, ...] = ("Dockerfile",)
    procfiles: tuple[str, ...] = ("Procfile",)
    kubernetes: tuple[str, ...] = ()
    documents: tuple[str, ...] = ("README.md", "docs/**/*.md", ".env.example")
    # Runs.
    preset: str = ""
    defaults: str = ""
    accepted: tuple[Acceptance, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict, hash=False)
    assumptions: tuple[str, ...] = ()

    @cached_property
    def text(self) -> str:
        """The text of pyproject.toml; "" where there is none."""
        path = self.root / FILE
        return path.read_text(encoding="utf-8-sig") if path.is_file() else ""

    @cached_property
    def document(self) -> dict[str, Any]:
        """The whole of pyproject.toml."""
        return tomllib.loads(self.text)

    def paths(self, key: str) -> list[Path]:
        """The files that a key names, patterns included, in order; those that are not there are left out.

        Raises:
            ConfigError: a pattern is absolute, or none.
        """
        found: list[Path] = []
        for name in getattr(self, key):
            try:
                found += [path for path in sorted(self.root.glob(name)) if path.is_file()]
            except (NotImplementedError, ValueError) as error:
                raise ConfigError(f"{key} has {name!r}; it must be a pattern below the project's folder") from error
        return found


def load_config(root: Path, options: Mapping[str, object] | None = None) -> Config:
    """Read the table.

    A project without one is read by the defaults. With a preset, lists are added to its lists, and texts take the place of its texts.

    Args:
        root: the project's folder.
        options: the default values of the keys that rules declare, by name.

    Raises:
        ConfigError: it cannot be followed; one line that names the key.
    """
    root = root.resolve()
    text, document = _read(root / FILE)
    tool = document.get("tool", {})
    table: object = tool.get("hardening", {}) if isinstance(tool, Mapping) else {}
    if not isinstance(table, Mapping):
        raise ConfigError(f"hardening is {table!r}; it must be a table: [tool.hardening]")
    owners = table.get(YOURS, {})
    if not isinstance(owners, Mapping):
        raise ConfigError(f"{YOURS} is {owners!r}; it must be a table: [tool.hardening.{YOURS}]")
    if "accepted" in owners:
        raise ConfigError(f"accepted stands in [tool.hardening.{YOURS}]; write [[tool.hardening.accepted]]")

    keys = _Keys(dict(options or {}))
    written, extended = keys.read(table, text), keys.read(owners, text)
    named = {**written, **extended}
    assumptions: list[str] = []
    package = named.get("package", "")
    if package:
        source = named.get("source") or find_source(root, package)
    else:
        source, package = find_package(root, document)
        place = f"`{source}/{package}`" if source != "." else f"`{package}`"
        assumptions.append(f"no `package` in [tool.hardening] of {FILE}: assumed {place}")
    values: dict[str, Any] = {}
    if preset := named.get("preset"):
        command = project_name(document) or package.replace("_", "-")
        values = keys.read(load_preset(preset, package, command), "")
        keys.extend(values, written)
    else:
        values = written
    keys.extend(values, extended)
    values |= {"package": package, "source": source}
    declared = {name: values.pop(name) for name in list(values) if name not in _FIELDS}
    return Config(root, **values, options=declared, assumptions=tuple(assumptions))


def require_codes(config: Config, codes: Iterable[str]) -> None:
    """Refuse acceptances of unknown codes.

    Raises:
        ConfigError: an acceptance names a code that no rule has.
    """
    known = tuple(codes)
    for each in config.accepted:
        if each.code not in known:
            raise ConfigError(f"accepted has the code {each.code}; {closest(each.code, known)}")


def closest(name: str, known: Iterable[str]) -> str:
    """A phrase that lists the known names, after those that are close to this one."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    listed = f"there are {', '.join(names)}"
    return f"did you mean {' or '.join(near)}? {listed}" if near else listed


_FIELDS = {each.name: each.default for each in fields(Config) if each.name not in _NO_KEYS}


class _Keys:
    """All keys there are: those of `Config`, and those that rules declare."""

    def __init__(self, options: Mapping[str, object]) -> None:
        self._defaults = {**options, **_FIELDS}

    def read(self, table: Mapping[str, object], text: str) -> dict[str, Any]:
        """The values of a table, by the names of the fields."""
        known = {name.replace("_", "-"): name for name in self._defaults}
        values: dict[str, Any] = {}
        for key, value in table.items():
            if key == YOURS:
                continue
            if key not in known:
                raise ConfigError(f"{key} is no key of [tool.hardening]; {closest(key, known)}")
            values[known[key]] = self._value(key, value, self._defaults[known[key]], text)
        return values

    def extend(self, values: dict[str, Any], more: Mapping[str, Any]) -> None:
        """Add lists to the lists that are there, and put other values in the place of theirs."""
        for name, value in more.items():
            before = values.get(name, self._defaults[name])
            values[name] = (*before, *value) if isinstance(value, tuple) else value

    @staticmethod
    def _value(key: str, value: object, default: object, text: str) -> object:
        if key == "accepted":
            return read_acceptances(value, text)
        if isinstance(default, tuple):
            if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
                raise ConfigError(f"{key} is {value!r}; it must be a list of names")
            return tuple(value)
        if isinstance(default, bool | int):
            if type(value) is not type(default):
                kind = "true or false" if isinstance(default, bool) else "a whole number"
                raise ConfigError(f"{key} is {value!r}; it must be {kind}")
            return value
        if not isinstance(value, str) or not value:
            raise ConfigError(f"{key} is {value!r}; it must be a text that is not empty")
        if key == "package" and not _NAME.fullmatch(value):
            raise ConfigError(f"{key} is {value!r}; it must be a name that can be imported")
        if key in _FOLDERS and "\0" in value:
            raise ConfigError(f"{key} is {value!r}; it must be a folder")
        if key in ADDRESSES and not ADDRESS.fullmatch(value):
            raise ConfigError(f'{key} is {value!r}; it must be of the form "package.module:attribute"')
        if key == "defaults" and not _RELEASE.fullmatch(value):
            raise ConfigError(f'{key} is {value!r}; it must be a release of the tool, as "0.5"')
        return value


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of a TOML file and what is in it; nothing where there is no file."""
    if not path.exists():
        return "", {}
    try:
        text = path.read_text(encoding="utf-8-sig")
        return text, tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path.name} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path.name} cannot be read: {error}") from error
