"""The layout of a service that was not made from the template, as far as its source shows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from .errors import LifecycleError

Settings = dict[str, str | list[str]]
"""Keys of [tool.hardening]."""
_SKIPPED = {"tests", "docs", "examples", "migrations", "alembic", "node_modules", "build", "dist", "checks"}
_BASES = {"DeclarativeBase", "SQLModel"}
_ENGINES = {"create_engine", "create_async_engine", "engine_from_config", "async_engine_from_config"}
_APPLICATIONS = {"FastAPI", "create_app", "create_server_app", "get_app", "get_application"}


def find_package(folder: Path, wanted: str | None) -> tuple[str, str]:
    """Return the folder of the source and the name of the package in it.

    Raises:
        LifecycleError: there is no package, or more than one.
    """
    found: list[tuple[str, str]] = []
    for source in ("src", "."):
        for init in sorted((folder / source).glob("*/__init__.py")):
            if init.parent.name not in _SKIPPED and wanted in (None, init.parent.name):
                found.append((source, init.parent.name))
        if found:
            break
    if len(found) != 1:
        names = ", ".join(name for _, name in found) or "none"
        raise LifecycleError(f"the package could not be told: found {names}; name it with --package")
    return found[0]


def find_settings(folder: Path, source: str, package: str) -> Settings:
    """Find the application, the metadata, the engines and the migrations, as keys of [tool.hardening]."""
    settings: Settings = {"package": package, "source": source}
    bases: list[str] = []
    engines: list[str] = []
    for name, tree in _modules(folder / source / package, folder / source):
        if any(isinstance(node, ast.Call) and _last_name(node.func) in _ENGINES for node in ast.walk(tree)):
            engines.append(name)
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and _BASES & {_last_name(base) for base in node.bases}:
                bases.append(f"{name}:{node.name}.metadata")
            target, call = _assigned_call(node)
            if call in _APPLICATIONS:
                settings.setdefault("application", f"{name}:{target}")
            if call == "Celery":
                settings.setdefault("celery", f"{name}:{target}")
    if bases:
        settings["metadata"] = bases[0]
    for versions in sorted(folder.rglob("versions")):
        if (versions.parent / "env.py").is_file() and not {".venv", ".nox"} & set(versions.parts):
            settings["migrations"] = versions.relative_to(folder).as_posix()
            break
    if len(engines) == 1:
        # Why: of several, only the owner knows which may make engines.
        settings["engines"] = engines
    return settings


def _modules(folder: Path, source: Path) -> Iterator[tuple[str, ast.Module]]:
    """The modules that compile, by their dotted names."""
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        if _SKIPPED & set(parts):
            continue
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            continue
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), tree


def _assigned_call(node: ast.stmt) -> tuple[str, str]:
    """The name that is assigned to, and the last name of the function that is called for it; empty otherwise."""
    match node:
        case (
            ast.Assign(targets=[ast.Name(id=target)], value=ast.Call(func=function))
            | ast.AnnAssign(target=ast.Name(id=target), value=ast.Call(func=function))
        ):
            return target, _last_name(function)
    return "", ""


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
