"""Adoption: a service that was not made here takes the template piece by piece, and none of its lines changes."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .._template import commit, files, git, owned_by_git
from ._tool import HARDENED, Small, changed, in_core, numbered, run, run_update, state, write

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
    return run([*HARDENED, "adopt", str(folder), "--template", str(template), *arguments], folder)


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
        "template": {"take": []},
    }
    assert after.keys() - STRANGER.keys() == {".copier-answers.yml"}
    for name in STRANGER.keys() - {"pyproject.toml"}:
        assert after[name].decode() == STRANGER[name]
    undo = done.stdout.partition("Undo: ")[2].split()
    assert run(undo, stranger).returncode == 0
    assert {name: content.decode() for name, content in files(stranger).items()} == STRANGER


def test_what_was_taken_is_updated_and_nothing_else_arrives(stranger: Path, small: Small) -> None:
    assert adopt(stranger, small.folder).returncode == 0
    commit(stranger, "adopted")
    assert adopt(stranger, small.folder, "--piece", "tools").returncode == 0
    commit(stranger, "tools")
    small.release(
        "v2.0.0",
        {
            "template/ruff.toml": "line-length = 100\n",
            in_core("new.py"): numbered("new"),
            "template/README.md": "# Others\n",
        },
    )
    ran = run_update(stranger)
    assert ran.outcome["seeded"] == []
    assert (ran.status, ran.outcome["files"]) == (0, [["changed", ".copier-answers.yml"], ["new", "ruff.toml"]])


def test_a_service_that_took_the_checks_of_an_earlier_release_lets_them_go(stranger: Path, small: Small) -> None:
    guards = "template/src/{{ package }}/checks/guards.py"
    small.release("v1.1.0", {guards: numbered("guards"), "template/tools/update.py": numbered("update")})
    assert adopt(stranger, small.folder).returncode == 0
    commit(stranger, "adopted")
    project = stranger / "pyproject.toml"
    project.write_text(project.read_text().replace("take = []", 'take = ["/src/books/checks/**", "/tools/**"]'))
    for name in ("src/books/checks/guards.py", "tools/update.py"):
        write(stranger / name, numbered(Path(name).stem))
    commit(stranger, "as 0.4 adopted")
    small.release("v2.0.0", {guards: None, "template/tools/update.py": None, in_core("new.py"): numbered("new")})
    ran = run_update(stranger)
    assert (ran.status, ran.outcome["files"]) == (
        0,
        [
            ["changed", ".copier-answers.yml"],
            ["deleted", "src/books/checks/guards.py"],
            ["deleted", "tools/update.py"],
        ],
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
    # A piece once more is no reason to let go of what it had brought.
    assert adopt(stranger, small.folder, "--piece", "core").returncode == 0
    commit(stranger, "again")
    image = {"template/Dockerfile": "FROM python:3.14\n"}
    small.release("v2.0.0", {in_core("db.py"): changed(numbered("db"), "db_03"), **image})
    ran = run_update(stranger)
    assert (ran.status, [name for _, name in ran.outcome["files"]]) == (
        0,
        [".copier-answers.yml", "src/books/core/db.py"],
    )


def test_a_flat_layout_is_followed(stranger: Path, small: Small) -> None:
    git(stranger, "mv", "src/books", "books")
    commit(stranger, "flat")
    assert adopt(stranger, small.folder).returncode == 0
    commit(stranger, "adopted")
    done = adopt(stranger, small.folder, "--piece", "core")
    assert done.returncode == 0, done.stderr
    assert "package books in ./" in done.stdout
    commit(stranger, "core")
    small.release("v2.0.0", {in_core("db.py"): numbered("db") + "# More.\n"})
    assert run_update(stranger).status == 0
    assert (stranger / "books" / "core" / "db.py").read_text().endswith("# More.\n")


def test_what_would_change_what_the_service_does_is_left_out_and_what_is_lacking_is_told(
    stranger: Path, small: Small
) -> None:
    project = small.read("template/pyproject.toml.jinja")
    more: dict[str, str | None] = {
        "template/pyproject.toml.jinja": project
        + 'engines = ["{{ package }}.core.db"]\n[dependency-groups]\ndev = ["ruff>=0.17", "mypy>=2"]\n[tool.mypy]\nstrict = true\n',
        "template/ruff.toml": "line-length = 120\n",
        "template/noxfile.py": "",
        "template/migrations/env.py": "",
    }
    small.release("v1.1.0", more)
    own = '\n[dependency-groups]\ntest = ["ruff>=0.9"]\n[tool.ruff]\nline-length = 80\n'
    path = stranger / "pyproject.toml"
    path.write_text(path.read_text().replace("dependencies", 'requires-python = ">=3.9"\ndependencies') + own)
    commit(stranger, "own")
    assert adopt(stranger, small.folder).returncode == 0
    commit(stranger, "adopted")
    done = adopt(stranger, small.folder, "--piece", "tools")
    assert done.stdout.splitlines()[2:7] == [
        "left out: ruff.toml: with it, [tool.ruff] in your pyproject.toml would count no more",
        'needs: uv add --group dev "mypy>=2"',
        "declared otherwise than in a new service: ruff>=0.9; there: ruff>=0.17",
        "needs, from a new service's pyproject.toml: [tool.mypy]",
        "needs: requires-python >=3.11; yours is >=3.9",
    ]
    commit(stranger, "tools")
    done = adopt(stranger, small.folder, "--piece", "core")
    assert "left out: migrations/env.py: your migrations are in alembic/versions\n" in done.stdout
    assert 'needs: uv add "sqlalchemy>=2.1" "alembic>=1.14"\n' in done.stdout
    assert 'needs, in [tool.hardening]: engines = ["books.core.db"]\n' in done.stdout
    assert not {"ruff.toml", "migrations/env.py"} & files(stranger).keys()
    commit(stranger, "core")
    small.release("v2.0.0", {"template/ruff.toml": "", "template/noxfile.py": "# Newer.\n"})
    assert run_update(stranger).outcome["files"] == [["changed", ".copier-answers.yml"], ["changed", "noxfile.py"]]


def test_copier_itself_refuses_since_it_knows_of_no_pieces(stranger: Path, own_template: Path) -> None:
    assert adopt(stranger, own_template).returncode == 0
    commit(stranger, "adopted")
    commit(own_template, "next", "v999.1.0")
    before = state(stranger)
    copier = [sys.executable, "-m", "copier", "update", "--defaults"]
    done = run(copier, stranger)
    assert done.returncode != 0
    assert "this service adopted pieces, of which Copier knows nothing: run `hardened update`" in done.stderr
    assert {name for name, text in state(stranger).items() if before.get(name) != text} == set()
    ran = run_update(stranger)
    assert (ran.status, [name for _, name in ran.outcome["files"]]) == (0, [".copier-answers.yml"])
    assert "adopted: true" in (stranger / ".copier-answers.yml").read_text()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("dirty", "not committed: new.txt"),
        ("several", "the package could not be told: found books, other; name it with --package"),
        ("none", "the package could not be told: found none"),
        ("later piece", "begin with --piece checks"),
        ("two packages in one folder", "src/books/core is yours, and two packages in one folder are none"),
        ("tests", "books has no core, features, main.py, settings.py: take --piece core"),
        ("tests of theirs", "tests/conftest.py is yours, and theirs is another"),
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
        case "two packages in one folder":
            options = ["--piece", "core"]
            write(stranger / "src/books/core/__init__.py", "")
            commit(stranger, "core of their own")
        case "tests":
            options = ["--piece", "tests"]
        case "tests of theirs":
            options = ["--piece", "tests"]
            for name in ("core/__init__.py", "features/__init__.py", "main.py", "settings.py"):
                write(stranger / "src/books" / name, "")
            write(stranger / "tests/conftest.py", "")
            commit(stranger, "much of the shape")
        case _:
            options = ["--piece", "core"]
    before = state(stranger)
    done = adopt(stranger, small.folder, *options)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert says in done.stderr
    assert state(stranger) == before


@pytest.mark.parametrize(
    ("python", "older"),
    [
        (">=3.9", True),
        (">=3.10.4", True),
        ("~=3.10.2", True),
        (">=3.8,<3.10", True),
        ("3.11", True),
        (">=3.11", False),
        (">3.11,<4", False),
    ],
)
def test_a_service_that_allows_an_older_python_is_told_and_so_is_one_that_nobody_can_read(
    python: str, older: bool, stranger: Path, small: Small
) -> None:
    project = stranger / "pyproject.toml"
    project.write_text(project.read_text().replace("dependencies", f'requires-python = "{python}"\ndependencies', 1))
    commit(stranger, "a Python")
    done = adopt(stranger, small.folder)
    assert done.returncode == 0, done.stderr
    assert (f"needs: requires-python >=3.11; yours is {python}\n" in done.stdout) is older
