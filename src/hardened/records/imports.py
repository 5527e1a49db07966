"""Records of importing the project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..model import Location


@dataclass(frozen=True)
class SourceTree:
    """The project's Python files and modules, as the probe needs them.

    Attributes:
        folder: the folder that the package is imported from.
        files: the paths of all Python files, from the project's root.
        modules: the file of each module of the package, by dotted name.
        elsewhere: the modules that only others import, such as Alembic's environment.
    """

    folder: Path
    files: tuple[str, ...]
    modules: Mapping[str, str]
    elsewhere: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """A module that cannot be imported.

    Attributes:
        module: the module to blame, by its dotted name.
        message: the error.
        location: the line to blame.
        code: the failure of the catalogue that the error calls itself, else empty.
        needs: the module that is not installed, where that is the cause.
    """

    module: str
    message: str
    location: Location
    code: str = ""
    needs: str = ""


@dataclass(frozen=True)
class Attempt:
    """A connection that was tried: its target, the project's innermost line, and the step that was being done."""

    target: str
    location: Location
    during: str
