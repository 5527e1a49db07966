"""Adoption: a service that was not made here takes the template piece by piece, and none of its lines changes."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .._template import ROOT, commit, files, git, owned_by_git
from ._tool import Small, changed, in_core, numbered, run, run_update, state, write

ADOPT = ROOT / "tools" / "adopt.py"
STRANGER = {
    "pyproject.toml": '[project]\nname = "books"\nversion = "3.1"\ndependencies = ["fastapi"]\n',
    "src/books/__init__.py": "",
    "src/books/api.py": "from fastapi import FastAPI\n\nfrom . import models\n\nserver = FastAPI()\n",
    "src/books/models.py": "from sqlalchemy.orm import DeclarativeBase\n\n\nclass Table(DeclarativeBase):\n    pass\n",
    "src/books/tasks.py": 'import celery\n\nqueue = celery.Celery("books")\n',
    "alembic/env.py": "",
    "alembic/versions/0001.py": 'revision = "1"\ndown_revision = None\n',
    "Dockerfile": "FROM python\n",
}


def adopt(folder: Path, template: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it."""
    return run([sys.executable, str(ADOPT), str(folder), "--template", str(template), *arguments], folder)


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """Somebody's service."""
    folder = tmp_path / "books"
    for name, content in STRANGER.items():
        write(folder / name, content)
    return owned_by_git(folder)


def test_the_checks_come_first_and_know_what_to_look_at(stranger: Path, small: Small) -> None:
    done = adopt(stranger, small.folder)
    assert done.returncode == 0, done.stderr
    after = files(stranger)
    project = after.pop("pyproject.toml").decode()
    assert project.startswith(STRANGER["pyproject.toml"])
    assert tomllib.loads(project)["tool"] == {
        "hardening": {
            "package": "books",
            "source": "src",
            "application": "books.api:server",
            "celery": "books.tasks:queue",
            "metadata": "books.models:Table.metadata",
            "migrations": "alembic/versions",
        },
        "template": {"take": ["/src/books/checks/**", "/tools/**"]},
    }
    assert after.keys() - STRANGER.keys() == {".copier-answers.yml", "src/books/checks/guards.py"}
    for name in STRANGER.keys() - {"pyproject.toml"}:
        assert after[name].decode() == STRANGER[name]
    undo = done.stdout.partition("Undo: ")[2].split()
    assert run(undo, stranger).returncode == 0
    assert {name: content.decode() for name, content in files(stranger).items()} == STRANGER


def test_what_was_taken_is_updated_and_nothing_else_arrives(stranger: Path, small: Small) -> None:
    assert adopt(stranger, small.folder).returncode == 0
    commit(stranger, "adopted")
    checks = "template/src/{{ package }}/checks/guards.py"
    small.release("v2.0.0", {checks: small.read(checks) + "# More.\n", in_core("new.py"): numbered("new")})
    ran = run_update(stranger)
    assert (ran.status, ran.outcome["files"]) == (
        0,
        [["changed", ".copier-answers.yml"], ["changed", "src/books/checks/guards.py"]],
    )


def test_a_piece_more_leaves_what_is_there_and_is_merged_from_then_on(stranger: Path, small: Small) -> None:
    assert adopt(stranger, small.folder).returncode == 0
    commit(stranger, "adopted")
    assert adopt(stranger, small.folder, "--piece", "core").returncode == 0
    commit(stranger, "core")
    done = adopt(stranger, small.folder, "--piece", "deploy")
    assert done.returncode == 0, done.stderr
    commit(stranger, "deploy")
    assert "yours, and left alone: Dockerfile" in done.stdout
    assert (stranger / "Dockerfile").read_text() == "FROM python\n"
    assert (stranger / "src/books/core/db.py").read_text() == numbered("db")
    small.release("v2.0.0", {in_core("db.py"): changed(numbered("db"), "db_03")})
    ran = run_update(stranger)
    assert (ran.status, [name for _, name in ran.outcome["files"]]) == (
        0,
        [".copier-answers.yml", "src/books/core/db.py"],
    )


def test_a_flat_layout_is_followed(stranger: Path, small: Small) -> None:
    git(stranger, "mv", "src/books", "books")
    commit(stranger, "flat")
    done = adopt(stranger, small.folder)
    assert done.returncode == 0, done.stderr
    assert "package books in ./" in done.stdout
    commit(stranger, "adopted")
    checks = "template/src/{{ package }}/checks/guards.py"
    small.release("v2.0.0", {checks: small.read(checks) + "# More.\n"})
    assert run_update(stranger).status == 0
    assert (stranger / "books" / "checks" / "guards.py").read_text().endswith("# More.\n")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("dirty", "not committed: new.txt"),
        ("several", "the package could not be told: found books, other; name it with --package"),
        ("none", "the package could not be told: found none"),
        ("later piece", "begin with --piece checks"),
    ],
)
def test_what_is_refused_changes_nothing(wrong: str, says: str, stranger: Path, small: Small) -> None:
    options: list[str] = []
    match wrong:
        case "dirty":
            write(stranger / "new.txt", "mine\n")
        case "several":
            write(stranger / "src/other/__init__.py", "")
            commit(stranger, "other")
        case "none":
            options = ["--package", "nothing"]
        case _:
            options = ["--piece", "core"]
    before = state(stranger)
    done = adopt(stranger, small.folder, *options)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert says in done.stderr
    assert state(stranger) == before
