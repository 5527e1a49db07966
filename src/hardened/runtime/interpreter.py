"""The interpreter of the project's environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..config.discovery import project_name
from ..config.table import Config
from ..model import CouldNotLook, Location

_SECONDS = 30
_INSIDE = ("bin/python", "Scripts/python.exe")


@dataclass(frozen=True)
class Interpreter:
    """A Python, and how it was found.

    Attributes:
        path: the executable.
        origin: the place it was found at, for messages.
        doubt: why the project's dependencies may be missing from it; empty where it is the project's own.
    """

    path: str
    origin: str
    doubt: str = ""


def find_interpreter(config: Config, named: str = "", environment: Mapping[str, str] = os.environ) -> Interpreter:
    """Find the Python that has the project's dependencies.

    In this order: the one that is named, `.venv` or `venv` in the project, the environments that `UV_PROJECT_ENVIRONMENT` and
    `VIRTUAL_ENV` name, those of uv and poetry, the tool's own.

    Raises:
        CouldNotLook: there is an environment, and no interpreter in it.
    """
    if named:
        return _named(named, config.root)
    root = config.root
    named_by = [
        (name, environment[name]) for name in ("UV_PROJECT_ENVIRONMENT", "VIRTUAL_ENV") if environment.get(name)
    ]
    folders = [(name, root / name) for name in (".venv", "venv")]
    # What uv is told goes before its default; an active environment may be another project's, so after it.
    folders[0:0] = [(name, root / folder) for name, folder in named_by if name == "UV_PROJECT_ENVIRONMENT"]
    folders += [(name, Path(folder)) for name, folder in named_by if name == "VIRTUAL_ENV" and not _is_own(folder)]
    for origin, folder in folders:
        if (folder / "pyvenv.cfg").is_file():
            found = next((str(folder / name) for name in _INSIDE if (folder / name).exists()), "")
            if not found:
                raise CouldNotLook(
                    f"{Location.of(root, folder)} has no interpreter that is there: {folder / _INSIDE[0]} leads nowhere; "
                    "make the environment anew, or name an interpreter with --python"
                )
            return Interpreter(found, origin)
    for command in _managers(config):
        found = _query(command, root)
        # uv names any Python it knows where the project has no environment.
        if found and (Path(found).parent.parent / "pyvenv.cfg").is_file():
            return Interpreter(found, " ".join(command))
    if _is_installed(project_name(config.document)):
        return Interpreter(sys.executable, "the tool's own environment, which has the project")
    return Interpreter(
        sys.executable,
        "the tool's own environment",
        f"no environment of the project was found (.venv, venv, VIRTUAL_ENV, uv, poetry), so {sys.executable} was asked; "
        "make one (`uv sync`), or name its interpreter with --python",
    )


def _named(named: str, root: Path) -> Interpreter:
    """An interpreter by path, by the folder of its environment, or by the name of a command."""
    for path in (root / named, Path.cwd() / named):
        inside = [path / name for name in _INSIDE]
        found = next((each for each in (path, *inside) if each.is_file()), None)
        if found is not None:
            # Not resolved: the link in an environment is what makes the interpreter the environment's.
            return Interpreter(str(found), "--python")
    command = shutil.which(named)
    if command is None:
        raise CouldNotLook(
            f"--python {named} is no file, no environment and no command; name the project's interpreter"
        )
    return Interpreter(command, "--python")


def _is_own(folder: str) -> bool:
    return Path(folder).resolve() == Path(sys.prefix).resolve()


def _managers(config: Config) -> list[list[str]]:
    """The commands that name the project's environment, of the tools that the project uses."""
    tool = config.document.get("tool")
    tables = tool if isinstance(tool, Mapping) else {}
    commands = []
    if (config.root / "uv.lock").is_file() or "uv" in tables:
        commands.append(["uv", "python", "find", "--offline", "--no-python-downloads"])
    if (config.root / "poetry.lock").is_file() or "poetry" in tables:
        commands.append(["poetry", "env", "info", "--executable"])
    return [command for command in commands if shutil.which(command[0])]


def _query(command: list[str], root: Path) -> str:
    try:
        ran = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    path = ran.stdout.strip().rpartition("\n")[2]
    return path if ran.returncode == 0 and path and Path(path).is_file() else ""


def _is_installed(name: str) -> bool:
    """Report whether a distribution is installed beside the tool."""
    import importlib.metadata  # noqa: PLC0415 - projects with an environment of their own do not come here

    try:
        return bool(name) and importlib.metadata.distribution(name) is not None
    except importlib.metadata.PackageNotFoundError:
        return False
