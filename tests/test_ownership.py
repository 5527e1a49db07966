"""Who owns which path: docs/ownership.md is true, and the owner's half survives."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pathspec
import pytest
import yaml
from uv import find_uv_bin

from ._template import NOW, PACKAGE, ROOT, VARIANTS, commit, conflicts, files, git, owned_by_git, render, update

FENCE = "# Yours: add below this line."
FIRST_LINE = "# Owned by the template."
COMMENT = re.compile(r"(?://|/\*|<!--) (.+?)(?: \*/| -->)?$")
CLASSES = ("template", "shared", "seeded", "never")


def table() -> dict[str, str]:
    """The class of each pattern in docs/ownership.md."""
    text = (ROOT / "docs" / "ownership.md").read_text(encoding="utf-8")
    rows: dict[str, str] = dict(re.findall(r"^\| `(/[^`]+)` \| (\w+) \|$", text, re.MULTILINE))
    assert len(rows) > 15
    assert set(rows.values()) == set(CLASSES)
    return rows


def rows_of(path: str, package: str = PACKAGE) -> list[str]:
    """The patterns that a path matches."""
    return [
        pattern
        for pattern in table()
        if pathspec.PathSpec.from_lines("gitignore", [pattern.replace("<package>", package)]).match_file(path)
    ]


def paths_of(kind: str, folder: Path) -> dict[str, str]:
    """The rendered files of a class, with their text."""
    rows = table()
    found = {
        path: content.decode()
        for path, content in files(folder).items()
        if kind in {rows[pattern] for pattern in rows_of(path)}
    }
    assert found
    return found


def test_each_rendered_path_has_exactly_one_class(variant: Path) -> None:
    matched = {path: rows_of(path) for path in files(variant)}
    assert {path: rows for path, rows in matched.items() if len(rows) != 1} == {}


def test_each_row_is_of_something_that_is_rendered_unless_it_never_is(rendered: Callable[..., Path]) -> None:
    used = {row for answers in VARIANTS.values() for path in files(rendered(**answers)) for row in rows_of(path)}
    rows = table()
    assert {row for row in rows if rows[row] != "never"} == used


def test_what_is_seeded_is_what_an_update_excludes() -> None:
    excluded = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))["_exclude"]
    # Another one of an update's refuses it.
    (block,) = (each for each in excluded if "_copier_operation" in each and "include" not in each)
    lines = [line.replace("{{ package }}", "<package>") for line in block.splitlines() if line.startswith("/")]
    assert sorted(lines) == sorted(row for row, kind in table().items() if kind == "seeded")


def test_the_first_line_says_what_the_template_owns(variant: Path) -> None:
    wrong = {}
    for path, text in paths_of("template", variant).items():
        first = text.removeprefix("#!/usr/bin/env python3\n").partition("\n")[0]
        if path.endswith(".json"):
            # It has no comments.
            first = FIRST_LINE if FIRST_LINE[2:] in json.loads(text)["description"] else first
        # The answers have words of their own, a migration begins with its own message, and the empty line says nothing.
        first = COMMENT.sub(r"# \1", first) if path.endswith((".html", ".css", ".js")) else first
        if first != FIRST_LINE and path not in (".copier-answers.yml", "migrations/script.py.mako"):
            wrong[path] = first
    assert wrong == {}


@pytest.mark.parametrize("kind", ["shared", "seeded"])
def test_no_other_file_claims_to_be_the_templates(kind: str, variant: Path) -> None:
    assert [path for path, text in paths_of(kind, variant).items() if FIRST_LINE in text] == []


def test_every_shared_file_has_the_fence(variant: Path) -> None:
    counts = {path: text.count(FENCE) for path, text in paths_of("shared", variant).items()}
    assert counts == {".env.example": 1, ".gitignore": 1, "compose.yaml": 1, "pyproject.toml": 3}


def test_the_templates_dependencies_are_not_in_the_order_of_the_alphabet(variant: Path) -> None:
    project = tomllib.loads((variant / "pyproject.toml").read_text(encoding="utf-8"))
    for block in (project["project"]["dependencies"], project["dependency-groups"]["dev"]):
        assert block != sorted(block)


@pytest.mark.parametrize("group", ["", "dev"])
def test_uv_add_writes_below_the_fence(group: str, rendered: Callable[..., Path], tmp_path: Path) -> None:
    folder = shutil.copytree(rendered(), tmp_path / "service")
    before = (folder / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    # Names of both ends of the alphabet; frozen, so that nothing is looked up.
    options = ["--frozen", "--quiet", *([f"--group={group}"] if group else [])]
    subprocess.run([find_uv_bin(), "add", *options, "aaa>=1,<2", "zzz>=1,<2"], cwd=folder, check=True)
    after = (folder / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    added = [number for number, line in enumerate(after) if re.search(r'"(aaa|zzz)>=1,<2"', line)]
    assert len(added) == 2
    assert [line for number, line in enumerate(after) if number not in added] == before
    fences = [number for number, line in enumerate(after) if FENCE in line]
    assert added[0] == fences[1 if group else 0] + 1


@pytest.mark.parametrize("answers", VARIANTS.values(), ids=VARIANTS)
def test_seeded_files_survive_an_update_edited_or_deleted(
    answers: dict[str, Any], own_template: Path, tmp_path: Path
) -> None:
    folder = owned_by_git(render(own_template, tmp_path / "service", **answers))
    seeded = sorted(paths_of("seeded", folder))
    for path in seeded[::2]:
        (folder / path).write_text("mine\n", encoding="utf-8")
    for path in seeded[1::2]:
        (folder / path).unlink()
    commit(folder, "mine")

    source = {row: own_template / "template" / row.lstrip("/").replace("<package>", "{{ package }}") for row in table()}
    for row, kind in table().items():
        if kind == "seeded":
            # Each changes in the template too, a new one comes, and one goes.
            _change_seed(source[row])
    commit(own_template, "next", "v999.1.0")
    update(folder, "v999.1.0")

    assert conflicts(folder) == []
    assert git(folder, "status", "--porcelain") == "M .copier-answers.yml"
    assert {path: (folder / path).read_text(encoding="utf-8") for path in seeded[::2]} == dict.fromkeys(
        seeded[::2], "mine\n"
    )
    assert [path for path in seeded[1::2] if (folder / path).exists()] == []


def _change_seed(path: Path) -> None:
    if path.name == "**":
        changed = sorted(each for each in path.parent.rglob("*.py*") if each.is_file() and "cache" not in each.name)
        assert changed, f"{path.parent} has nothing to seed"
        changed[0].unlink()
        for each in changed[1:]:
            each.write_text("the template's next\n", encoding="utf-8")
        (path.parent / "new.py").write_text("the template's new\n", encoding="utf-8")
        return
    existing = path if path.exists() else path.with_name(f"{path.name}.jinja")
    existing.write_text("the template's next\n", encoding="utf-8")


def test_a_service_of_now_needs_no_update(own_template: Path, tmp_path: Path) -> None:
    folder = owned_by_git(render(own_template, tmp_path / "service"))
    update(folder, NOW)
    assert git(folder, "status", "--porcelain") == ""
