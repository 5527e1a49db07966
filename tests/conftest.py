"""Fixtures: the template as it stands in the checkout, and what it renders, once for each set of answers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ._template import VARIANTS, render, template_as_it_stands


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-snapshots` writes what the snapshots should be."""
    parser.addoption("--update-snapshots", action="store_true", help="write tests/snapshots anew, to be looked at")


@pytest.fixture(scope="session", autouse=True)
def _of_nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the person who runs the tests reaches them: not their git, not their Copier."""
    folder = tmp_path_factory.mktemp("home")
    config = folder / "gitconfig"
    config.write_text(
        "[user]\nname = Tests\nemail = tests@localhost\n[init]\ndefaultBranch = main\n[safe]\ndirectory = *\n"
    )
    settings = folder / "copier.yml"
    settings.write_text("{}\n")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
            patch.delenv(name, raising=False)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("GIT_CONFIG_GLOBAL", str(config))
        patch.setenv("COPIER_SETTINGS_PATH", str(settings))
        yield


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the checkout with what is not committed; not to be changed."""
    return template_as_it_stands(tmp_path_factory.mktemp("template") / "template")


@pytest.fixture
def own_template(template: Path, tmp_path: Path) -> Path:
    """A copy of the template that the test may change."""
    return shutil.copytree(template, tmp_path / "template", symlinks=True)


@pytest.fixture(scope="session")
def rendered(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A service with these answers, rendered once; not to be changed."""
    made: dict[str, Path] = {}

    def of(**answers: Any) -> Path:
        key = repr(sorted(answers.items()))
        if key not in made:
            made[key] = render(template, tmp_path_factory.mktemp("rendered") / "service", **answers)
        return made[key]

    return of


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest, rendered: Callable[..., Path]) -> Path:
    """Each variant of the service; not to be changed."""
    return rendered(**VARIANTS[request.param])
