"""What a rule is and what it answers: findings, or why it has none to give."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from .project import Project


def _resolved(path: str | Path) -> Path:
    """Where a file really is; each module that is imported is asked for that, several times."""
    return _of_absolute(os.path.join(os.getcwd(), path))  # noqa: PTH109, PTH118 - a third of what Path takes


@cache
def _of_absolute(path: str) -> Path:
    return Path(path).resolve()


def belongs(root: Path, path: str | Path) -> bool:
    """Whether a file is the project's: it lies in the project, and not in an environment that lies there too."""
    return _belongs(root, _resolved(path))


@cache
def _belongs(root: Path, absolute: Path) -> bool:
    return absolute.is_relative_to(root) and _INSTALLED.isdisjoint(absolute.relative_to(root).parts)


class Location(NamedTuple):
    """A line of a file; the file is relative to the project's root where it lies in it."""

    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in self if part is not None) or "somewhere"

    @classmethod
    def of(cls, root: Path, path: str | Path, line: int | None = None) -> Location:
        absolute = _resolved(path)
        return cls((absolute.relative_to(root) if _belongs(root, absolute) else absolute).as_posix(), line)


_INSTALLED = frozenset({"site-packages", "dist-packages"})
NOWHERE = Location()


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. `subject` is its other name, for accepting it: `orders.customer_id`."""

    code: str
    message: str
    file: str | None = None
    line: int | None = None
    subject: str = ""


class Rule:
    """One failure that is looked for. The class's name is its code, its docstring what a person reads."""

    #: Whether a service in which it finds something must not start: cheap, and needs no source.
    at_start: ClassVar[bool] = False
    #: Why it runs only when it is selected by its whole code; empty for those that always run.
    only_selected: ClassVar[str] = ""

    def check(self, project: Project) -> Iterable[Finding]:
        """Give the findings; raise DoesNotApply or CouldNotLook where there is nothing to judge."""
        raise NotImplementedError

    @classmethod
    def finding(cls, message: str, location: Location = NOWHERE, subject: str = "") -> Finding:
        return Finding(cls.__name__, f"{message} ({cls.__name__})", location.file, location.line, subject)

    @classmethod
    def page(cls) -> Path:
        """The whole story, for people: what happened, how to see it, what to do."""
        return Path(sys.modules[cls.__module__].__file__ or "").with_suffix(".md")


class AtRunTime(Rule):
    """A failure that shows only when the service runs: its tests look for it, under the code."""

    def check(self, project: Project) -> Iterable[Finding]:
        del project
        raise DoesNotApply("shows only when the service runs; its tests look for it: `nox -s tests`")


class DoesNotApply(Exception):  # noqa: N818 - an answer, not an error
    """There is nothing in this project for the guard to judge; the argument says why."""


class CouldNotLook(Exception):  # noqa: N818 - an answer, not an error
    """What the guard judges could not be read, so its silence would mean nothing."""


class Refused(Exception):  # noqa: N818 - says what happened to the application
    """An application that must not start. It carries the findings and the application itself,
    so that `check`, which imports the same module, can go on judging it.
    """

    def __init__(self, findings: tuple[Finding, ...], application: object) -> None:
        self.findings = findings
        self.application = application
        lines = (f"{Location(f.file, f.line)}: {f.message}" for f in findings)
        super().__init__("this application must not start:\n  " + "\n  ".join(lines))


def one_line(text: object, limit: int = 300) -> str:
    """A text on one line, cut where it gets long."""
    line = re.sub(r"\s+", " ", str(text)).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"
