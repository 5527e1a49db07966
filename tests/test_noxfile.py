"""The service's noxfile: which tool it installs, from which address and version."""

from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from ._template import ROOT


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The template's, once: nox keeps a list of the sessions that it has seen."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    spec = importlib.util.spec_from_file_location("the_noxfile", ROOT / "template" / "noxfile.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with contextlib.chdir(folder):
        spec.loader.exec_module(module)
    return module


@pytest.fixture
def noxfile(loaded: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The same, in an empty project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HARDENED_TOOL", raising=False)
    return loaded


def answers(address: str, commit: str) -> None:
    """Write them as Copier does."""
    text = f"# What the template was told.\n_commit: {commit}\n_src_path: {address}\ndescription: A `_commit: x`.\n"
    Path(".copier-answers.yml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://example.org/t.git", "git+https://example.org/t.git"),
        ("git+https://example.org/t.git", "git+https://example.org/t.git"),
        ("gh:owner/template", "git+https://github.com/owner/template.git"),
        ("gl:owner/template.git", "git+https://gitlab.com/owner/template.git"),
        ("git@example.org:owner/t.git", "git+ssh://git@example.org/owner/t.git"),
        ("'/some where/t'", "git+file:///some%20where/t"),
        ("file:///somewhere/t", "git+file:///somewhere/t"),
    ],
)
def test_the_tool_is_of_the_recorded_repository(noxfile: ModuleType, address: str, expected: str) -> None:
    answers(address, "v0.5.0")
    assert noxfile._newest_tool() == f"hardened-fastapi @ {expected}"
    assert noxfile._recorded_tool() == f"hardened-fastapi @ {expected}@v0.5.0"


def test_an_address_beside_the_service_is_found_from_there(noxfile: ModuleType, tmp_path: Path) -> None:
    answers("../template", "v0.5.0")
    assert noxfile._newest_tool() == f"hardened-fastapi @ git+{(tmp_path.parent / 'template').as_uri()}"


@pytest.mark.parametrize(
    ("recorded", "commit"),
    [("v0.5.0", "v0.5.0"), ("v0.5.0-12-gba59f19", "ba59f19"), ("ba59f19", "ba59f19"), ("'0.5'", "0.5")],
)
def test_the_recorded_version_is_a_tag_or_a_commit(noxfile: ModuleType, recorded: str, commit: str) -> None:
    answers("https://example.org/t.git", recorded)
    assert noxfile._recorded_tool().rpartition("@")[2] == commit


def test_another_tool_can_be_named(noxfile: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    answers("https://example.org/t.git", "v0.5.0")
    monkeypatch.setenv("HARDENED_TOOL", "hardened-fastapi==9")
    assert noxfile._recorded_tool() == noxfile._newest_tool() == "hardened-fastapi==9"
    monkeypatch.setenv("HARDENED_TOOL", "")
    assert noxfile._recorded_tool().endswith("@v0.5.0")
