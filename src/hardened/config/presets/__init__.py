"""Presets: the keys of `[tool.hardening]` that are the same in every service of one shape."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from ..errors import ConfigError

_FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """The presets that this version of the tool has."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load_preset(name: object, package: str, command: str) -> dict[str, Any]:
    """Read a preset; `{package}` and `{slug}` in its texts become the package and the command of the service.

    Raises:
        ConfigError: there is no such preset.
    """
    if name not in names():
        raise ConfigError(f"preset is {name!r}; there is {', '.join(names())}")
    text = (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text.replace("{package}", package).replace("{slug}", command))
