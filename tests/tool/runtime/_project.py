"""Small projects that the probe imports."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

from hardened.config.table import Config
from hardened.records.imports import Failure
from hardened.runtime.client import Answer, ask
from hardened.source.tree import Source


def write(root: Path, files: Mapping[str, str]) -> None:
    """Write files below a folder."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")


def probe(
    root: Path, files: Mapping[str, str], *, python: str = sys.executable, seconds: float = 60, **config: str
) -> Answer:
    """The probe's answer for a package `shop` with these modules."""
    write(root, {"src/shop/__init__.py": "", **{f"src/shop/{name}": text for name, text in files.items()}})
    made = Config(root.resolve(), package="shop", **config)  # type: ignore[arg-type]  # addresses, all of them texts
    return ask(made, Source(made), python, seconds=seconds)


def by_line(answer: Answer) -> dict[str, Failure]:
    """The failures, under `file:line`."""
    return {str(each.location).removeprefix("src/shop/"): each for each in answer.failures}
