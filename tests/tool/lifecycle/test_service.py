"""The service's folder before an update."""

from __future__ import annotations

from pathlib import Path

import pytest
from hardened.lifecycle.errors import LifecycleError
from hardened.lifecycle.git import Repository
from hardened.lifecycle.service import Service

from .conftest import Commit

ANSWERS = "_commit: v1.0.0\n_src_path: ../template\npackage: inbox\n"


def test_a_folder_without_a_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LifecycleError, match="run `git init`, and commit everything"):
        Service(tmp_path)
    with pytest.raises(LifecycleError, match="is no folder"):
        Service(tmp_path / "missing")


def test_a_state_that_would_mix_with_the_update_is_refused(repository: Repository, commit: Commit) -> None:
    service = Service(repository.folder)
    with pytest.raises(LifecycleError, match="no commit yet"):
        service.require_clean()
    commit(file="a\n")
    service.require_clean()
    for number in range(4):
        (repository.folder / f"new{number}").touch()
    with pytest.raises(LifecycleError, match=r"not committed: new0, new1, new2 and more; commit or stash it first"):
        service.require_clean()
    head = commit()
    (repository.folder / ".git" / "MERGE_HEAD").write_text(head)
    with pytest.raises(LifecycleError, match="a merge is in progress: finish or abort it first"):
        service.require_clean()
    (repository.folder / ".git" / "MERGE_HEAD").unlink()
    repository.run("checkout", "--quiet", "--detach")
    with pytest.raises(LifecycleError, match="HEAD is on no branch"):
        service.require_clean()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "has no .copier-answers.yml"),
        ("_commit: [\n", "is no YAML, line 2"),
        ("- 1\n", "holds no answers"),
        (ANSWERS.replace("_commit: v1.0.0\n", ""), "has no _commit, its version"),
        (ANSWERS.replace("../template", "[1]"), "has no _src_path, the template's address"),
    ],
)
def test_answers_that_cannot_be_used_are_refused(text: str | None, says: str, repository: Repository) -> None:
    if text is not None:
        (repository.folder / ".copier-answers.yml").write_text(text)
    with pytest.raises(LifecycleError, match=says):
        Service(repository.folder).answers()


def test_answers_are_read(repository: Repository) -> None:
    (repository.folder / ".copier-answers.yml").write_text(ANSWERS)
    assert Service(repository.folder).answers()["package"] == "inbox"


@pytest.mark.parametrize(
    ("project", "patterns"),
    [
        ("", None),
        ("[tool.template]\n", None),
        ("[tool", None),
        ("[tool.template]\ntake = []\n", []),
        ('[tool.template]\ntake = ["/a/**"]\n', ["/a/**"]),
    ],
)
def test_a_service_that_adopted_nothing_yet_is_told_from_a_generated_one(
    project: str, patterns: list[str] | None, repository: Repository
) -> None:
    (repository.folder / "pyproject.toml").write_text(project)
    assert Service(repository.folder).adopted_patterns == patterns
