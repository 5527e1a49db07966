"""Git as a subprocess."""

from __future__ import annotations

from pathlib import Path

import pytest
from hardened.lifecycle.git import GitError, Repository

from .conftest import Commit


def test_the_variables_of_a_hook_do_not_reach_it(
    repository: Repository, commit: Commit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(a_dot_txt="a\n")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert Repository(repository.folder).text("ls-files") == "a.txt"


def test_a_failure_is_the_last_line_that_git_printed(repository: Repository) -> None:
    with pytest.raises(GitError, match=r"^git log: fatal: your current branch .* does not have any commits yet"):
        repository.run("log")
    assert not repository.has_commit("HEAD")


def test_the_files_of_a_tree_are_read_in_one_process(repository: Repository, commit: Commit) -> None:
    tree = commit(**{"a b_dot_txt": "one\n", "empty": "", "no_end": "x"})
    assert repository.texts(tree, ["no_end", "missing", "a b.txt", "empty"]) == {
        "no_end": "x",
        "a b.txt": "one\n",
        "empty": "",
    }
    assert repository.texts(tree, []) == {}


def test_names_that_are_no_utf_8_survive(repository: Repository) -> None:
    name = b"caf\xe9.txt".decode(errors="surrogateescape")
    (repository.folder / name).write_text("x")
    assert repository.names("ls-files", "--others", "-z") == [name]
    assert repository.names("check-ignore", "--stdin", "-z", stdin=[name], statuses=(0, 1)) == []
