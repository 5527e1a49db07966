"""The rules: each file whose name is a code has the class of that name, so that a rule in a folder is a rule in a run."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from ..model import Rule

__all__ = ["RULES"]


def _load() -> Iterator[type[Rule]]:
    for path in sorted(Path(__file__).parent.glob("*/[a-z][a-z][0-9][0-9][0-9].py")):
        module = importlib.import_module(f".{path.parent.name}.{path.stem}", __name__)
        yield getattr(module, path.stem.upper())


RULES: tuple[type[Rule], ...] = tuple(_load())
"""Every rule, in the order of their codes."""
