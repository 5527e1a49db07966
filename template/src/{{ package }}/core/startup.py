# Owned by the template.
"""Refusal to start with what cannot work: every reason at once, each with its place and its remedy."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
import tomllib
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase

from .identity import AUTHENTICATION_TABLES, USERS_TABLE
from .settings import SettingsError, project_root

__all__ = [
    "StartupError",
    "StartupProblem",
    "collecting",
    "import_modules",
    "location_of",
    "model_problems",
    "problems_of",
    "refuse",
]

_CODE: Final = re.compile(r" \(([A-Z]{2}\d{3})\)$")


@dataclass(frozen=True)
class StartupProblem:
    """One reason not to start.

    Attributes:
        code: the failure's name in the catalogue.
        message: what happened.
        hint: what to do.
        location: `file:line`, where there is one.
        subject: the part that the owner may accept in `[[tool.hardening.accepted]]`; empty where they may not.
        cause: the exception that reported it.
    """

    code: str
    message: str
    hint: str = ""
    location: str = ""
    subject: str = ""
    cause: BaseException | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        told = f"{self.location}: {self.message}" if self.location else self.message
        return f"{told}; {self.hint} ({self.code})" if self.hint else f"{told} ({self.code})"


class StartupError(Exception):
    """The service cannot work; the message has one line for each problem.

    Attributes:
        problems: every reason that was found.
        application: the application that was built all the same, for `hardened check`; None where it is not complete.
    """

    def __init__(self, problems: Iterable[StartupProblem], application: object = None) -> None:
        self.problems = tuple(problems)
        self.application = application
        super().__init__("\n".join(map(str, self.problems)))


def refuse(problems: Iterable[StartupProblem], application: object = None) -> None:
    """Refuse to start for every problem that the owner has not accepted.

    Acceptances are those of `hardened check`, in `pyproject.toml`. It is read only when there is something to accept.

    Raises:
        StartupError: there are such problems.
    """
    found = tuple(dict.fromkeys(problems))
    if any(each.subject for each in found):
        accepted = _accepted(project_root() / "pyproject.toml")
        found = tuple(each for each in found if not each.subject or (each.code, each.subject) not in accepted)
    if found:
        raise StartupError(found, application) from next((each.cause for each in found if each.cause), None)


@contextmanager
def collecting(problems: list[StartupProblem]) -> Iterator[None]:
    """Append the problems that the block's exception reports, so that what follows is looked at too."""
    try:
        yield
    except (StartupError, SettingsError, ValueError) as error:
        problems += problems_of(error)


def problems_of(error: Exception, code: str = "IM003") -> list[StartupProblem]:
    """The problems that an exception reports, one for each line of its message.

    Args:
        error: a `StartupError`, or an exception whose lines may end with the name of a failure.
        code: the failure, where a line names none.
    """
    if isinstance(error, StartupError):
        return list(error.problems)
    if isinstance(error, SettingsError):
        code = "CF001"
    return [
        StartupProblem(named[1] if (named := _CODE.search(line)) else code, _CODE.sub("", line), cause=error)
        for line in str(error).splitlines()
    ]


def import_modules(name: str, *, descend: bool = True, command_line: bool = False) -> Iterator[StartupProblem]:
    """Import a package and every module below it, and report each failure (IM003).

    Args:
        name: the package.
        descend: False for the package alone.
        command_line: import each `commands.py` as well, which a process that serves does not need.
    """
    found = _import(name)
    yield from found
    for module in () if found or not descend else pkgutil.iter_modules(getattr(sys.modules[name], "__path__", ())):
        if not module.name.isidentifier() or module.name == "__main__":
            continue  # a script: nothing can import it
        if command_line or module.name != "commands":
            yield from import_modules(f"{name}.{module.name}", command_line=command_line)


def model_problems(models: type[DeclarativeBase]) -> Iterator[StartupProblem]:
    """Report models that cannot work (DB011), or refer to authentication's tables where a user is meant (DB002)."""
    try:
        models.registry.configure()
    except (SQLAlchemyError, TypeError) as error:
        yield from problems_of(error, "DB011")
    classes = {mapper.local_table: mapper.class_ for mapper in models.registry.mappers}
    for table in models.metadata.tables.values():
        for constraint in table.foreign_key_constraints:
            target = constraint.elements[0].target_fullname.rpartition(".")[0]
            if table.name in AUTHENTICATION_TABLES or target.rpartition(".")[2] not in AUTHENTICATION_TABLES:
                continue
            subject = f"{table.name}.{','.join(column.name for column in constraint.columns)}"
            message = f"{subject} refers to {target}, which says how somebody logs in"
            location = location_of(classes[table]) if table in classes else ""
            yield StartupProblem("DB002", message, f"refer to {USERS_TABLE}: user_reference()", location, subject)


def location_of(function: Callable[..., Any]) -> str:
    """The `file:line` of a function, class or callable object, behind partials and decorators; empty without source."""
    thing: Any = inspect.unwrap(function.func if isinstance(function, partial) else function)
    try:
        if (code := getattr(thing, "__code__", None)) is not None:
            return _place(code.co_filename, code.co_firstlineno)
        kind = thing if isinstance(thing, type) else type(thing)
        return _place(inspect.getsourcefile(kind) or "", inspect.getsourcelines(kind)[1])
    except (OSError, TypeError):
        return ""


def _import(name: str) -> list[StartupProblem]:
    try:
        importlib.import_module(name)
    except (StartupError, SettingsError) as error:
        return problems_of(error)
    except SyntaxError as error:
        location = _place(error.filename, error.lineno or 1) if error.filename else name
        return [StartupProblem("IM006", f"{type(error).__name__}: {error.msg}", "correct it", location, cause=error)]
    except ImportError as error:
        reason, hint = f"{type(error).__name__}: {error}", "declare what is missing, or remove the import"
        return [StartupProblem("IM003", reason, hint, _failing_line(error) or name, cause=error)]
    # Whatever a module does when it is imported, sys.exit included: the others are looked at too.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return [StartupProblem("IM003", reason, "correct it", _failing_line(error) or name, cause=error)]
    return []


def _failing_line(error: BaseException) -> str:
    """The innermost line of the service's own package that an exception came through."""
    package = str(Path(__file__).parents[1])
    frames = traceback.extract_tb(error.__traceback__)
    own = [each for each in frames if each.filename.startswith(package) and each.filename != __file__]
    return _place(own[-1].filename, own[-1].lineno or 1) if own else ""


def _place(file: str, line: int) -> str:
    path, root = Path(file), project_root()
    return f"{path.relative_to(root) if path.is_relative_to(root) else path}:{line}"


def _accepted(file: Path) -> set[tuple[object, object]]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))["tool"]["hardening"]
        return {(each.get("code"), each.get("where")) for each in table.get("accepted", ()) if each.get("reason")}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return set()
