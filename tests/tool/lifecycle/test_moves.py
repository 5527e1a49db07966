"""Modules that move, and the lines that import them."""

from __future__ import annotations

import pytest
from hardened.lifecycle.git import Repository
from hardened.lifecycle.moves import find_moves, imported_names, module_name

from .conftest import Commit

STONE = '"""Tombstone: moved to `core/new.py`; this name goes with 0.6."""\n'


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("src/inbox/core/db.py", "inbox.core.db"),
        ("src/inbox/core/__init__.py", "inbox.core"),
        ("tests/support.py", "tests.support"),
        ("services/one/src/inbox/main.py", "inbox.main"),
    ],
)
def test_a_module_has_its_name_below_src(path: str, name: str) -> None:
    assert module_name(path) == name


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("import inbox.core.db", "inbox.core.db"),
        ("from inbox.core import db", "inbox.core.db"),
        ("from ...core.db import connect", "inbox.core.db"),
        ("from ...core import db as database", "inbox.core.db"),
        ("from . import models", "inbox.features.orders.models"),
        ("from .models import Order", "inbox.features.orders.models"),
    ],
)
def test_imports_are_resolved_to_whole_names(line: str, name: str) -> None:
    assert imported_names(f"\n{line}\n", "src/inbox/features/orders/routes.py")[name] == [2]


def test_a_dot_in_an_init_is_its_own_package() -> None:
    names = imported_names("from .db import connect\n", "src/inbox/core/__init__.py")
    assert "inbox.core.db" in names


@pytest.mark.parametrize("text", ["<<<<<<< ours\nimport a\n", "x = '\0'\n", "def\n"])
def test_a_file_that_does_not_compile_imports_nothing(text: str) -> None:
    assert imported_names(text, "src/a.py") == {}


def test_a_deleted_module_is_listed_where_something_imports_it(repository: Repository, commit: Commit) -> None:
    module = {"src__inbox__core__db_dot_py": "x = 1\n", "src__inbox__core__gone_dot_py": "y = 2\n"}
    importer = "from ..core import (\n    db,\n)\n# from ..core import gone\n"
    base = commit(**module, **{"src__inbox__features__a_dot_py": importer})
    step = commit(**dict.fromkeys(module))
    (move,) = find_moves(repository, base, step, step)
    assert (move.path, move.new_path, move.imports) == ("src/inbox/core/db.py", "", ("src/inbox/features/a.py:1",))


def test_a_tombstone_is_listed_when_it_comes_and_while_it_is_imported(repository: Repository, commit: Commit) -> None:
    base = commit(src__inbox__core__old_dot_py="x = 1\n")
    step = commit(src__inbox__core__old_dot_py=STONE)
    (move,) = find_moves(repository, base, step, step)
    assert (move.new_path, move.removed_in, move.imports) == ("core/new.py", "0.6", ())
    later = commit(other_dot_py="")
    assert find_moves(repository, step, later, later) == []
    imported = commit(src__inbox__main_dot_py="from .core.old import x\n")
    (move,) = find_moves(repository, step, later, imported)
    assert move.imports == ("src/inbox/main.py:1",)
