"""Updates: an untouched service becomes what is rendered today, and nothing of its owner's is lost."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from ._template import NOW, ROOT, VARIANTS, commit, conflicts, files, git, owned_by_git, render, update
from .test_releases import Release, releases

NEXT = "v999.1.0"
# Names the commit, and where the template was; it differs in each rendering.
ANSWERS = ".copier-answers.yml"
# The owner's from the first day: what is new in them comes to new services alone.
SEEDED = (
    "README.md",
    "migrations/versions/",
    "src/inbox_demo/features/",
    "tests/features/",
    *(f"src/inbox_demo/{name}.py" for name in ("__init__", "cli", "main", "settings")),
)


def replace(path: Path, old: str, new: str) -> None:
    """Change a text that is there exactly once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is in {path.name} {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def next_template(own_template: Path) -> Path:
    """The template, with a next version that hardens, adds, and raises a version."""
    inside = own_template / "template"
    replace(inside / "pyproject.toml.jinja", '"alembic>=1.20.1,<2"', '"alembic>=1.21,<2"')
    replace(inside / ".gitignore.jinja", ".hypothesis/\n", ".hypothesis/\n.next/\n")
    replace(inside / ".env.example", "# PORT=8000\n", "# PORT=8000\n# NEXT=1\n")
    (inside / "src" / "{{ package }}" / "core" / "new.py").write_text(
        '# Owned by the template.\n"""New."""\n', encoding="utf-8"
    )
    with (inside / "noxfile.py").open("a", encoding="utf-8") as noxfile:
        noxfile.write("\n# Hardened.\n")
    commit(own_template, "next", NEXT)
    return own_template


@pytest.mark.parametrize("answers", VARIANTS.values(), ids=VARIANTS)
def test_an_untouched_service_becomes_what_is_rendered_today(
    answers: dict[str, Any], next_template: Path, tmp_path: Path
) -> None:
    folder = owned_by_git(render(next_template, tmp_path / "service", NOW, **answers))
    before = files(folder)
    update(folder, NEXT)
    fresh = files(render(next_template, tmp_path / "fresh", NEXT, **answers))
    after = files(folder)
    assert conflicts(folder) == []
    assert before != after
    assert {path for path in fresh if fresh[path] != after.get(path)} <= {ANSWERS}
    assert after.keys() == fresh.keys()


def test_what_the_owner_added_to_shared_files_stays(next_template: Path, tmp_path: Path) -> None:
    folder = owned_by_git(render(next_template, tmp_path / "service", NOW))
    for name, line in {
        "pyproject.toml": '  "boto3>=1.34",\n',
        ".gitignore": "mine/\n",
        ".env.example": "# MINE=1\n",
    }.items():
        path = folder / name
        before, fence, after = path.read_text(encoding="utf-8").partition("# Yours: add below this line.\n")
        path.write_text(f"{before}{fence}{line}{after}", encoding="utf-8")
    commit(folder, "mine")
    update(folder, NEXT)
    assert conflicts(folder) == []
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dependencies"][-1] == "boto3>=1.34"
    assert "alembic>=1.21,<2" in project["project"]["dependencies"]
    ignored = (folder / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert (".next/" in ignored, ignored[-1]) == (True, "mine/")
    settings = (folder / ".env.example").read_text(encoding="utf-8").splitlines()
    assert ("# NEXT=1" in settings, settings[-1]) == (True, "# MINE=1")


def test_what_git_ignores_is_not_touched(next_template: Path, tmp_path: Path) -> None:
    folder = owned_by_git(render(next_template, tmp_path / "service", NOW))
    mine = {".env": "SECRET_KEY=mine\n", "var/service.db": "rows\n", ".venv/pyvenv.cfg": "mine\n"}
    for name, text in mine.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    assert git(folder, "status", "--porcelain") == ""
    update(folder, NEXT)
    assert (folder / "src" / "inbox_demo" / "core" / "new.py").is_file()
    assert {name: (folder / name).read_text(encoding="utf-8") for name in mine} == mine


def test_a_second_update_changes_nothing(next_template: Path, tmp_path: Path) -> None:
    folder = owned_by_git(render(next_template, tmp_path / "service", NOW))
    update(folder, NEXT)
    commit(folder, "updated")
    update(folder, NEXT)
    assert git(folder, "status", "--porcelain") == ""


def test_a_service_of_each_release_becomes_what_is_rendered_today(own_template: Path, tmp_path: Path) -> None:
    for release in releases(ROOT / "releases.toml"):
        folder = updated_from(release, own_template, tmp_path / release.version)
        fresh = files(render(own_template, tmp_path / f"fresh-{release.version}"))
        after = files(folder)
        expected = {path for path in fresh if not path.startswith(SEEDED)}
        assert len(expected) > len(fresh) / 2
        assert {path for path in expected if fresh[path] != after.get(path)} <= {ANSWERS}


def updated_from(release: Release, template: Path, folder: Path) -> Path:
    """A service of this release, untouched, updated to the checkout as it stands."""
    release.tag(template)
    owned_by_git(render(template, folder, release.version))
    update(folder)
    assert conflicts(folder) == []
    return folder
