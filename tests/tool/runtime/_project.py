"""Small projects that the probe imports."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

from hardened.config.table import Config
from hardened.records.imports import Failure, SourceTree
from hardened.runtime.client import Answer, Probe
from hardened.runtime.interpreter import find_interpreter


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
    source = root.resolve() / "src"
    paths = sorted(path.relative_to(source) for path in source.rglob("*.py"))
    modules = {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__"): f"src/{path.as_posix()}"
        for path in paths
        if path.stem.isidentifier() and path.stem != "__main__"
    }
    tree = SourceTree(source, tuple(f"src/{path.as_posix()}" for path in paths), dict(sorted(modules.items())))
    return Probe(made, tree, find_interpreter(made, python), seconds=seconds).answer()


def by_line(answer: Answer) -> dict[str, Failure]:
    """The failures, under `file:line`."""
    return {str(each.location).removeprefix("src/shop/"): each for each in answer.failures}
