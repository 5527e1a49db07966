"""Notation of a proof: the change to a copy of the service, and the lines that its rule must name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from ._service import Service, Spot

Expected = Spot | Iterable[Spot] | None
Change = Callable[[Service], Expected]
C = TypeVar("C", bound=Change)


class Kind(StrEnum):
    """What a case shows."""

    BACK = "brought back"
    DISGUISE = "disguise"
    HURRIED = "hurried"
    LOOK_ALIKE = "look-alike"
    UNPROTECTED = "protection taken away"


@dataclass(frozen=True)
class Case:
    """One change to the service.

    Attributes:
        code: of the failure.
        kind: what the case shows.
        change: makes the change and gives the spots that the rule must name, none for a look-alike.
        also: codes of other rules that rightly have something to say too.
        tests: for a protection that is taken away, the service's test files that must fail.
        arguments: with which they are run.
        environment: variables that the check is run with.
    """

    code: str
    kind: Kind
    change: Change
    also: frozenset[str] = frozenset()
    tests: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """What a test is called by."""
        return f"{self.code}-{self.kind.replace(' ', '_')}-{self.change.__name__}"


CASES: list[Case] = []
"""Every case of every proof, as the modules of this folder are imported."""


def _add(case: Case) -> None:
    assert case.name not in {each.name for each in CASES}, f"two cases are called {case.name}"
    CASES.append(case)


def _register(code: str, kind: Kind, also: Iterable[str], environment: dict[str, str] | None) -> Callable[[C], C]:
    def register(change: C) -> C:
        _add(Case(code, kind, change, frozenset(also), environment=tuple((environment or {}).items())))
        return change

    return register


def back(code: str, *, also: Iterable[str] = (), environment: dict[str, str] | None = None) -> Callable[[C], C]:
    """The failure, brought back as the catalogue tells it."""
    return _register(code, Kind.BACK, also, environment)


def disguise(code: str, *, also: Iterable[str] = (), environment: dict[str, str] | None = None) -> Callable[[C], C]:
    """The same failure in another spelling, file or layer; each code has at least three."""
    return _register(code, Kind.DISGUISE, also, environment)


def hurried(code: str, *, also: Iterable[str] = (), environment: dict[str, str] | None = None) -> Callable[[C], C]:
    """The failure in a feature that a colleague in a hurry would write."""
    return _register(code, Kind.HURRIED, also, environment)


def look_alike(code: str, *, environment: dict[str, str] | None = None) -> Callable[[C], C]:
    """What looks like the failure and is fine: the whole check stays silent."""
    return _register(code, Kind.LOOK_ALIKE, (), environment)


def unprotected(code: str, *tests: str, engine: str = "", only: str = "", slow: bool = False) -> Callable[[C], C]:
    """The protection taken away: the service's tests of these files that guard the code must fail, by its name.

    Args:
        code: of the failure.
        tests: the files; the first test that fails ends the run.
        engine: the one database to run them on; on both without it.
        only: an expression for the names of tests (`-k`), where the first to fail would be a slow one.
        slow: whether it takes one of the slow tests.
    """

    def register(change: C) -> C:
        assert tests, f"{code}: name the test files that must fail"
        arguments = [*(("--engine", engine) if engine else ()), *(("-k", only) if only else ())]
        # The last one counts.
        arguments += ["-m", f"failure(code='{code}')"] if slow else []
        _add(Case(code, Kind.UNPROTECTED, change, tests=tests, arguments=tuple(arguments)))
        return change

    return register
