"""The layout of a stranger's service."""

from __future__ import annotations

from pathlib import Path

import pytest
from hardened.lifecycle.errors import LifecycleError
from hardened.lifecycle.layout import find_package, find_settings


def write(folder: Path, **files: str) -> None:
    """Write files; `__` is a folder."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_the_package_is_the_only_one_in_src_or_at_the_root(tmp_path: Path) -> None:
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "__init__.py").touch()
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "__init__.py").touch()
    assert find_package(tmp_path, None) == (".", "books")
    for name in ("orders", "letters"):
        (tmp_path / "src" / name).mkdir(parents=True)
        (tmp_path / "src" / name / "__init__.py").touch()
    with pytest.raises(LifecycleError, match="found letters, orders; name it with --package"):
        find_package(tmp_path, None)
    assert find_package(tmp_path, "orders") == ("src", "orders")
    with pytest.raises(LifecycleError, match="found none"):
        find_package(tmp_path, "nothing")


def test_the_application_and_its_parts_are_found_by_how_they_are_made(tmp_path: Path) -> None:
    write(
        tmp_path,
        src__books__api="import fastapi\n\nserver: fastapi.FastAPI = fastapi.FastAPI()\n",
        src__books__models="class Table(DeclarativeBase):\n    pass\n",
        src__books__tasks="queue = celery.Celery('books')\n",
        src__books__db="def connect():\n    return create_async_engine(URL)\n",
        src__books__broken="def\n",
        src__books__tests__app="other = FastAPI()\n",
        alembic__env="",
        alembic__versions__first="",
    )
    assert find_settings(tmp_path, "src", "books") == {
        "package": "books",
        "source": "src",
        "application": "books.api:server",
        "celery": "books.tasks:queue",
        "metadata": "books.models:Table.metadata",
        "migrations": "alembic/versions",
        "engines": ["books.db"],
    }


def test_of_several_modules_that_make_engines_none_is_chosen(tmp_path: Path) -> None:
    write(tmp_path, src__books__a="x = create_engine(URL)\n", src__books__b="x = create_engine(URL)\n")
    assert "engines" not in find_settings(tmp_path, "src", "books")
