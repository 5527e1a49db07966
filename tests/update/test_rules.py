"""Rules of the template's paths over all releases: nothing vanishes without notice, and each path has one class."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pathspec
import pytest
import yaml
from hardened.lifecycle import moves
from hardened.lifecycle.template import Template
from uv import find_uv_bin

from .._template import NOW, PACKAGE, ROOT, VARIANTS, files, git, render
from ..test_ownership import FENCE, table
from ..test_releases import releases

VERSIONS = [each.version for each in releases(ROOT / "releases.toml")]
ALL = [*VERSIONS, NOW]
STEPS = list(pairwise(ALL))
TOMBSTONE = re.compile(r"Tombstone: moved to `[^`]+`")
"""How a file says that it goes with the next release, and where what it held is now."""

STONE = re.compile(rb'^"""Tombstone: ', re.MULTILINE)

Classes = dict[str, str]


@pytest.fixture(scope="module")
def released(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with a tag for each release; not to be changed."""
    folder = tmp_path_factory.mktemp("released") / "template"
    git(template.parent, "clone", "--quiet", str(template), str(folder))
    for each in releases(ROOT / "releases.toml"):
        each.tag(folder)
    return folder


@pytest.fixture(scope="module")
def made(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """A service of a release and a variant, rendered once; not to be changed."""
    known: dict[tuple[str, str], Path] = {}

    def of(version: str, variant: str) -> Path:
        key = (version, variant)
        if key not in known:
            known[key] = render(released, tmp_path_factory.mktemp("made") / "s", version, **VARIANTS[variant])
        return known[key]

    return of


def classes(template: Path, version: str) -> Classes:
    """The table of ownership as it was in a version, by pattern."""
    text = git(template, "show", f"{version}:docs/ownership.md")
    return dict(re.findall(r"^\| `(/[^`]+)` \| (\w+) \|$", text, re.MULTILINE))


def class_of(path: str, rows: Classes) -> list[str]:
    """The classes of a path."""
    return [
        kind
        for pattern, kind in rows.items()
        if pathspec.PathSpec.from_lines("gitignore", [pattern.replace("<package>", PACKAGE)]).match_file(path)
    ]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("before", "after"), STEPS)
def test_nothing_that_an_owners_file_may_import_vanishes_without_a_tombstone(
    before: str, after: str, variant: str, made: Callable[[str, str], Path], released: Path
) -> None:
    old, new = files(made(before, variant)), files(made(after, variant))
    template = Template(str(released), made(before, variant).parent / f"clone-{after}", "")
    lets_go = template.excluded_from_update(after, yaml.safe_load(new[".copier-answers.yml"]))
    kept = pathspec.PathSpec.from_lines("gitignore", lets_go)
    modules = {moves.module_name(path) for path in new if path.endswith(".py")}
    vanished = {
        path: text.decode()
        for path, text in old.items()
        if path not in new and not kept.match_file(path) and moves.module_name(path) not in modules
    }
    imported = imported_by_seeds(old, classes(released, before))
    needed = [path for path, text in vanished.items() if not is_private(path, imported) and not TOMBSTONE.search(text)]
    assert needed == [], f"in {before} they must say `Tombstone: moved to `…``, or {after} lists them in _exclude"
    if after != NOW and before.split(".")[:2] != after.split(".")[:2]:
        # It stands for one minor version: one that stays for a second is forgotten.
        assert [path for path in new.keys() & old.keys() if _is_forgotten(path, old, new)] == []


def imported_by_seeds(rendered: dict[str, bytes], rows: Classes) -> set[str]:
    """The names that the files of the owner's import."""
    return {
        name
        for path, content in rendered.items()
        if path.endswith(".py") and class_of(path, rows) == ["seeded"]
        for name in moves.imported_names(content.decode(), path)
    }


def is_private(path: str, imported: set[str]) -> bool:
    """True for Python and its companions in a package of which the owner's files import nothing."""
    parts = moves.module_name(path).split(".")
    if path.startswith("src/"):
        package = ".".join(parts[:2] if parts[1] != "core" else parts)
        return not any(name == package or name.startswith(f"{package}.") for name in imported)
    return path.endswith(".py") and ".".join(parts) not in imported


def _is_forgotten(path: str, old: dict[str, bytes], new: dict[str, bytes]) -> bool:
    both = (old.get(path, b""), new.get(path, b""))
    return path.endswith(".py") and all(STONE.search(each) for each in both)


def test_a_tombstone_says_until_when_and_gives_on_all_that_was_there(
    made: Callable[[str, str], Path], released: Path
) -> None:
    new = files(made(NOW, "example"))
    stones = {path: text.decode() for path, text in new.items() if path.endswith(".py") and STONE.search(text)}
    if not stones:
        pytest.skip("nothing of the template's moves at present")
    for path, text in stones.items():
        said = moves.TOMBSTONE.search(text)
        assert said, f"{path} says it otherwise than {moves.__name__} reads it"
        assert any(each.endswith(said[1]) for each in new), f"{path} moved to {said[1]}, which is not there"
        earlier = (files(made(version, "example")).get(path, b"") for version in reversed(VERSIONS))
        before = next(each for each in earlier if each and not STONE.search(each))
        assert _names(text) >= {each for each in _names(before.decode()) if not each.startswith("_")}


def _names(text: str) -> set[str]:
    """What a module says that it has for others: `__all__`, or what it defines."""
    tree = ast.parse(text)
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("version", ALL)
def test_each_path_of_each_release_has_one_class(
    version: str, made: Callable[[str, str], Path], released: Path
) -> None:
    rows = classes(released, version)
    assert len(rows) > 15
    for variant in VARIANTS:
        found = {path: class_of(path, rows) for path in files(made(version, variant))}
        assert {path: kinds for path, kinds in found.items() if len(kinds) != 1} == {}


@pytest.mark.parametrize(("before", "after"), STEPS)
def test_nothing_that_is_the_owners_is_taken_over(
    before: str, after: str, made: Callable[[str, str], Path], released: Path
) -> None:
    old, new = classes(released, before), classes(released, after)
    taken = {
        path: (class_of(path, old), class_of(path, new))
        for path in files(made(before, "example"))
        if class_of(path, old) == ["seeded"] and class_of(path, new) in (["template"], ["shared"])
    }
    assert taken == {}


@pytest.mark.parametrize("version", ALL)
def test_an_update_leaves_alone_what_the_table_calls_seeded(version: str, released: Path, tmp_path: Path) -> None:
    template = Template(str(released), tmp_path / "clone", "")
    answers: dict[str, Any] = {"package": "<package>", "example": True}
    patterns = [each for each in template.excluded_from_update(version, answers) if each.startswith("/")]
    assert sorted(patterns) == sorted(row for row, kind in classes(released, version).items() if kind == "seeded")
    if version == NOW:
        assert sorted(patterns) == sorted(row for row, kind in table().items() if kind == "seeded")


@pytest.mark.parametrize("version", ALL)
def test_in_each_release_uv_add_writes_below_the_fence(
    version: str, made: Callable[[str, str], Path], tmp_path: Path
) -> None:
    project = tmp_path / "pyproject.toml"
    before = (made(version, "example") / "pyproject.toml").read_text(encoding="utf-8")
    project.write_text(before, encoding="utf-8")
    subprocess.run([find_uv_bin(), "add", "--frozen", "--quiet", "aaa>=1,<2", "zzz>=1,<2"], cwd=tmp_path, check=True)
    lines = project.read_text(encoding="utf-8").splitlines()
    fence = next(number for number, line in enumerate(lines) if FENCE in line)
    assert [line.strip(' ",') for line in lines[fence + 1 : fence + 3]] == ["aaa>=1,<2", "zzz>=1,<2"]
    assert [line for number, line in enumerate(lines) if number not in (fence + 1, fence + 2)] == before.splitlines()
