"""Rules and their answers: findings, or the reason why there are none to give."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import Field, dataclass, field, fields
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import ClassVar, NamedTuple, TypeVar, dataclass_transform

T = TypeVar("T", str, bool, int, tuple[str, ...])


def _resolved(path: str | Path) -> Path:
    """The file behind symbolic links; resolved once, since several facts name each module."""
    return _of_absolute(os.path.join(os.getcwd(), path))  # noqa: PTH109, PTH118 - a third of what Path takes


@cache
def _of_absolute(path: str) -> Path:
    return Path(os.path.realpath(path))


@cache
def _belongs(root: Path, absolute: Path) -> bool:
    """Check that a file is the project's own: in its folder, and not in an environment that lies there too."""
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


class Severity(StrEnum):
    """Weight of a finding: an error fails the run, a warning is shown."""

    ERROR = "error"
    WARNING = "warning"


class Confidence(StrEnum):
    """Certainty of a finding: a certain one is true, a possible one is shown and fails nothing."""

    CERTAIN = "certain"
    POSSIBLE = "possible"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        code: of the failure, `RT001`.
        message: what is wrong, with the value; one line, no full stop.
        hint: what to do about it; "" where the message says it.
        location: the line to look at.
        subject: the finding's other name, by which it can be accepted: `orders.customer_id`.
        severity: of the rule, or lower.
        confidence: of the rule, or lower.
    """

    code: str
    message: str
    hint: str = ""
    location: Location = NOWHERE
    subject: str = ""
    severity: Severity = Severity.ERROR
    confidence: Confidence = Confidence.CERTAIN


def option(*, default: T, help: str) -> T:  # noqa: A002 - the word of argparse and of every command line
    """Declare a key of `[tool.hardening]` that one rule reads: `users_table: str = option(default="", help="table of the users")`.

    The type of the default is the type of the key: a text, a list of names, a switch or a whole number.
    """
    value: T = field(default=default, metadata={"help": help})
    return value


@dataclass_transform(kw_only_default=True, field_specifiers=(option,))
@dataclass(eq=False)
class Rule:
    """One failure that is looked for. The class's name is its code, its docstring the short story.

    A subclass defines `check`, and names the facts that it needs as parameters of it: `def check(self, routes, source)`.
    Each is a fact of `Project`. A fact that is not to be had ends the rule, with the reason; one whose parameter has
    the default None is left out instead. `check` yields findings; it raises DoesNotApply where there is nothing to judge.
    Keys of the configuration that no other rule reads are fields: see `option`.
    """

    #: Release of the tool that brought it: before `defaults` reaches that, its findings are warnings.
    since: ClassVar[str] = "0.4"
    severity: ClassVar[Severity] = Severity.ERROR
    confidence: ClassVar[Confidence] = Confidence.CERTAIN
    #: The subjects are names of libraries (`requests.get`), which every file has: an acceptance names the file as well.
    common_subjects: ClassVar[bool] = False
    #: Why it runs only when it is selected by its whole code; empty for those that always run.
    only_selected: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        if any(isinstance(each, Field) for each in vars(cls).values()):
            dataclass(kw_only=True, eq=False)(cls)

    check: ClassVar[Callable[..., Iterable[Finding]]]

    @classmethod
    def finding(cls, message: str, location: Location = NOWHERE, subject: str = "", *, hint: str = "") -> Finding:
        return Finding(cls.__name__, message, hint, location, subject, cls.severity, cls.confidence)

    @classmethod
    def options(cls) -> dict[str, object]:
        """The defaults of the keys that it declares, by the names of its fields."""
        return {each.name: each.default for each in fields(cls)}

    @classmethod
    def title(cls) -> str:
        """The first line of its docstring, without the full stop."""
        return (cls.__doc__ or "").partition("\n")[0].rstrip(".")

    @classmethod
    def page(cls) -> Path:
        """The file of the whole story: what happened, how to see it, what to do."""
        return Path(sys.modules[cls.__module__].__file__ or "").with_suffix(".md")


class AtRunTime(Rule):
    """A failure that shows only when the service runs: its tests look for it, under the code."""

    def check(self) -> Iterable[Finding]:
        raise DoesNotApply(
            "shows only when the service runs; the tests that a service of the template has look for it: `nox -s tests`"
        )


class DoesNotApply(Exception):  # noqa: N818 - an answer, not an error
    """There is nothing in this project for the rule to judge; the argument says why."""


class NotConfigured(DoesNotApply):
    """The configuration lacks a key without which the rule judges nothing, whatever its facts are."""


class CouldNotLook(Exception):  # noqa: N818 - an answer, not an error
    """Something that the rule judges could not be read, so its silence would mean nothing; the argument says why."""


def one_line(text: object, limit: int = 300) -> str:
    """A text on one line that can be encoded, cut where it gets long."""
    line = re.sub(r"\s+", " ", str(text)).strip().encode("utf-8", "backslashreplace").decode()
    return line if len(line) <= limit else line[: limit - 1] + "…"
