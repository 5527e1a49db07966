"""The project's folder and its package, where nobody has named them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from .errors import ConfigError

FILE = "pyproject.toml"
_OTHERS = frozenset(
    [
        "alembic",
        "benchmarks",
        "bin",
        "build",
        "dist",
        "doc",
        "docs",
        "env",
        "examples",
        "migrations",
        "node_modules",
        "scripts",
        "site-packages",
        "src",
        "test",
        "tests",
        "tools",
        "venv",
    ]
)


def find_root(start: Path) -> Path:
    """The project of a folder.

    The nearest folder at or above it whose pyproject.toml has `[tool.hardening]`; else the nearest that has a pyproject.toml;
    else the folder itself. The search ends at the root of the git repository.
    """
    start = start.resolve()
    folders = []
    for folder in (start, *start.parents):
        folders.append(folder)
        if (folder / ".git").exists():
            break
    described = [folder for folder in folders if (folder / FILE).is_file()]
    return next(iter((*filter(_is_configured, described), *described, start)))


def _is_configured(folder: Path) -> bool:
    """Report whether the text mentions the table: a file with a mistake in it, or none to be read, is found to be named."""
    try:
        return b"tool.hardening" in (folder / FILE).read_bytes()
    except OSError:
        return True


def find_source(root: Path, package: str) -> str:
    """The folder that a package lies in: `src`, or the project's own where it is only there."""
    return "." if (root / package).is_dir() and not (root / "src" / package).is_dir() else "src"


def find_package(root: Path, document: Mapping[str, object]) -> tuple[str, str]:
    """The folder of the source, and the name of the package in it.

    Raises:
        ConfigError: there is none, or nothing that tells which of several is meant.
    """
    found = list(_packages(root, "src")) or list(_packages(root, "."))
    regular = [path for path in found if (path / "__init__.py").is_file()]
    named = [path for path in found if path.name in _declared(document)]
    for candidates in (named, regular, found, [path for path in found if path.name == "app"]):
        if len(candidates) == 1:
            return candidates[0].parent.relative_to(root).as_posix(), candidates[0].name
    if not found:
        raise ConfigError(f"{root} has no package, in src/ or beside it; name the folder of one that has")
    names = ", ".join(path.name for path in found)
    raise ConfigError(f"{root} has several packages ({names}); name one: `package` in [tool.hardening] of {FILE}")


def _packages(root: Path, source: str) -> Iterator[Path]:
    folder = root / source
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if not path.name.isidentifier() or path.name in _OTHERS or not path.is_dir():
            continue
        if not (path / "pyvenv.cfg").exists() and any(path.glob("*.py")):
            yield path


def project_name(document: Mapping[str, object]) -> str:
    """The name of the distribution; "" where it has none."""
    for table in (document.get("project"), _below(document, "tool", "poetry")):
        if isinstance(table, Mapping) and isinstance(name := table.get("name"), str):
            return name
    return ""


def _declared(document: Mapping[str, object]) -> frozenset[str]:
    """The names that pyproject.toml gives the package."""
    backend = _below(document, "tool", "uv", "build-backend")
    module = backend.get("module-name") if isinstance(backend, Mapping) else None
    named = {module} if isinstance(module, str) else {re.sub(r"\W+", "_", project_name(document)).lower()}
    return frozenset(named)


def _below(document: object, *keys: str) -> object:
    for key in keys:
        document = document.get(key) if isinstance(document, Mapping) else None
    return document
