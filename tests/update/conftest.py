"""A small template for each test, and both ways to update a service of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .._template import conflicts, update
from ._tool import Small, run_update

Way = Callable[[Path], list[str]]


@pytest.fixture(scope="session")
def first_small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """The small template at its first release; not to be changed."""
    return Small.made(tmp_path_factory.mktemp("small") / "template")


@pytest.fixture
def small(first_small: Small, tmp_path: Path) -> Small:
    """The small template, the test's own."""
    return Small(shutil.copytree(first_small.folder, tmp_path / "template"))


def plain(folder: Path) -> list[str]:
    """What `copier update` does: the files in conflict."""
    update(folder, "v2.0.0")
    return conflicts(folder)


def merged(folder: Path) -> list[str]:
    """What `nox -s update` does: the files in conflict, which are in git's index too."""
    ran = run_update(folder)
    assert ran.status == (1 if ran.conflicts else 0), ran.told
    assert conflicts(folder) == sorted(set(ran.conflicts))
    return conflicts(folder)


@pytest.fixture(params=[plain, merged], ids=["plain", "merged"])
def way(request: pytest.FixtureRequest) -> Way:
    """Each way to update."""
    chosen: Way = request.param
    return chosen
