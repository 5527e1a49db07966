"""The merge beside the work tree."""

from __future__ import annotations

from pathlib import Path

import pytest
from hardened.lifecycle.errors import LifecycleError
from hardened.lifecycle.git import Repository
from hardened.lifecycle.merging import Merge, Merger
from hardened.lifecycle.service import Service

from .conftest import Commit

LINES = "".join(f"line {number}\n" for number in range(20))


def rendering(folder: Path, **files: str) -> Path:
    """A folder with these files."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def merged(repository: Repository, scratch: Path, before: dict[str, str], after: dict[str, str]) -> tuple[str, Merge]:
    """The template's step from `before` to `after`, merged into the service's HEAD."""
    merger = Merger(Service(repository.folder), scratch, dry_run=False)
    base = merger.commit_folder(rendering(scratch / "before", **before), "before")
    step = merger.commit_folder(rendering(scratch / "after", **after), "after", base)
    return step, merger.merge(merger.commit_tree("HEAD^{tree}", "the service", base), step)


@pytest.mark.parametrize(
    ("mine", "theirs", "cause"),
    [
        ({"file": LINES.replace("line 3\n", "mine\n")}, {"file": LINES.replace("line 3\n", "theirs\n")}, "both sides changed the same lines"),
        ({"file": LINES, "new": "mine\n"}, {"file": LINES, "new": "theirs\n"}, "both sides added it"),
        ({"file": f"{LINES}mine\n"}, {}, "the template deleted it, and you had changed it"),
        ({"other": "mine\n"}, {"file": f"{LINES}theirs\n"}, "you deleted it, and the template changed it"),
    ],
)  # fmt: skip
def test_each_kind_of_conflict_says_its_cause_and_keeps_the_owners_text(
    mine: dict[str, str], theirs: dict[str, str], cause: str, repository: Repository, commit: Commit, tmp_path: Path
) -> None:
    commit(**mine)
    step, merge = merged(repository, tmp_path, {"file": LINES}, theirs)
    (conflict,) = merge.conflicts
    assert (conflict.path, conflict.cause) == ("new" if "new" in theirs else "file", cause)
    assert f"git add {conflict.path}" in conflict.resolution
    assert repository.text("status", "--porcelain") == ""
    Merger(Service(repository.folder), tmp_path, dry_run=False).apply(step, merge)
    written = "".join(path.read_text() for path in repository.folder.iterdir() if path.is_file())
    assert "mine\n" in written


def test_edits_apart_are_merged_and_listed(repository: Repository, commit: Commit, tmp_path: Path) -> None:
    commit(file=f"{LINES}mine\n")
    step, merge = merged(repository, tmp_path, {"file": LINES}, {"file": f"theirs\n{LINES}", "new": "new\n"})
    merger = Merger(Service(repository.folder), tmp_path, dry_run=False)
    assert merger.changed_files("HEAD", merge.tree) == [("changed", "file"), ("new", "new")]
    merger.apply(step, merge)
    assert (repository.folder / "file").read_text() == f"theirs\n{LINES}mine\n"


def test_a_dry_run_writes_its_objects_elsewhere(repository: Repository, commit: Commit, tmp_path: Path) -> None:
    commit(file=LINES)
    objects = sorted((repository.folder / ".git" / "objects").rglob("*"))
    merger = Merger(Service(repository.folder), tmp_path, dry_run=True)
    made = merger.commit_folder(rendering(tmp_path / "before", file="other\n"), "before")
    assert merger.git.texts(made, ["file"]) == {"file": "other\n"}
    assert sorted((repository.folder / ".git" / "objects").rglob("*")) == objects


def test_a_merge_other_than_foreseen_is_taken_back(repository: Repository, commit: Commit, tmp_path: Path) -> None:
    commit(file=LINES)
    step, merge = merged(repository, tmp_path, {"file": LINES}, {"file": f"theirs\n{LINES}"})
    merger = Merger(Service(repository.folder), tmp_path, dry_run=False)
    with pytest.raises(LifecycleError, match="merged otherwise than was foreseen; everything is as it was"):
        merger.apply(step, Merge(repository.text("rev-parse", "HEAD^{tree}"), merge.conflicts))
    assert (repository.folder / "file").read_text() == LINES
    assert repository.text("status", "--porcelain") == ""


def test_a_conflict_of_an_unknown_kind_has_gits_own_words(
    repository: Repository, commit: Commit, tmp_path: Path
) -> None:
    commit(file=LINES, ours=LINES.replace("line 3", "mine"))
    repository.run("mv", "file", "moved")
    commit()
    _, merge = merged(repository, tmp_path, {"file": LINES}, {"elsewhere": LINES})
    assert merge.conflicts
    assert all(each.cause and each.resolution for each in merge.conflicts)
