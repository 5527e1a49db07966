"""What an update refuses: one clear line, and a tree that is untouched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .._template import commit, git
from ._tool import HARDENED, Small, changed, executable, in_core, numbered, run, run_update, state, write

ANSWERS = ".copier-answers.yml"
Break = Callable[[Path, Small], None]
CASES: dict[str, tuple[Break, str]] = {}


def case(says: str) -> Callable[[Break], Break]:
    """Something that is wrong, and what the line says."""

    def add(function: Break) -> Break:
        CASES[function.__name__] = (function, says)
        return function

    return add


def answers(service: Path, old: str, new: str) -> None:
    """Edit the answers, and commit."""
    path = service / ANSWERS
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    commit(service, "edited")


@case("is no folder")
def no_folder(service: Path, small: Small) -> None:
    shutil.rmtree(service)


@case("is in no git repository: what an update changes could not be taken back; run `git init`")
def no_repository(service: Path, small: Small) -> None:
    shutil.rmtree(service / ".git")


@case("has no commit yet")
def no_commit(service: Path, small: Small) -> None:
    shutil.rmtree(service / ".git")
    git(service, "init", "--quiet")


@case("not committed: src/notes/core/db.py; commit or stash it first")
def changed_file(service: Path, small: Small) -> None:
    write(service / "src/notes/core/db.py", "mine\n")


@case("not committed: new/file.txt; commit")
def untracked_file(service: Path, small: Small) -> None:
    write(service / "new" / "file.txt", "mine\n")


@case("not committed: src/notes/core/db.py; commit")
def staged_file(service: Path, small: Small) -> None:
    write(service / "src/notes/core/db.py", "mine\n")
    git(service, "add", "--all")


@case("HEAD is on no branch, where a commit is easily lost: run `git switch -c update` first")
def detached_head(service: Path, small: Small) -> None:
    git(service, "checkout", "--quiet", "--detach")


def stopped(service: Path, *command: str) -> None:
    """Stop in the middle of something, by a conflict."""
    path = service / "Dockerfile"
    git(service, "switch", "--quiet", "--create", "other")
    write(path, "other\n")
    commit(service, "other")
    git(service, "switch", "--quiet", "main")
    write(path, "mine\n")
    commit(service, "mine")
    assert run([executable("git"), *command, "other"], service).returncode != 0


@case("a merge is in progress: finish or abort it first")
def merging(service: Path, small: Small) -> None:
    stopped(service, "merge")


@case("a cherry-pick is in progress")
def picking(service: Path, small: Small) -> None:
    stopped(service, "cherry-pick")


@case("a rebase is in progress")
def rebasing(service: Path, small: Small) -> None:
    stopped(service, "rebase")


@case("so it is not known what it was made from: take it back with `git log -- .copier-answers.yml`")
def no_answers(service: Path, small: Small) -> None:
    (service / ANSWERS).unlink()
    commit(service, "deleted")


@case(".copier-answers.yml is no YAML, line 3; take the last good one back")
def answers_that_are_no_yaml(service: Path, small: Small) -> None:
    answers(service, "_commit: ", "_commit: [")


@case(".copier-answers.yml holds no answers")
def answers_that_are_a_list(service: Path, small: Small) -> None:
    write(service / ANSWERS, "- 1\n")
    commit(service, "edited")


@case(".copier-answers.yml has no _commit, its version")
def answers_without_a_version(service: Path, small: Small) -> None:
    answers(service, "_commit: v1.0.0\n", "")


@case(".copier-answers.yml has no _src_path, the template's address")
def answers_without_an_address(service: Path, small: Small) -> None:
    answers(service, "_src_path: ", "source: ")


@case("has no version v0.7.0, which .copier-answers.yml names; it has v1.0.0, v2.0.0")
def a_version_that_is_gone(service: Path, small: Small) -> None:
    answers(service, "v1.0.0", "v0.7.0")


@case("has no version --upload-pack=x, which")
def a_version_that_is_an_option(service: Path, small: Small) -> None:
    answers(service, "_commit: v1.0.0", '_commit: "--upload-pack=x"')


@case("of 6 files that v1.0.0 made with the answers here, 4 are missing: .copier-answers.yml is another service's")
def answers_of_another_service(service: Path, small: Small) -> None:
    answers(service, "package: notes", "package: letters")
    for name in ("Dockerfile", ".gitignore"):
        (service / name).unlink()
    commit(service, "deleted")


@case("v1.0.0 of the template cannot be rendered with the answers here: ")
def an_answer_of_the_wrong_kind(service: Path, small: Small) -> None:
    answers(service, "package: notes", "package: [notes]")


@case("if it has moved, run this with --template <its new address>")
def a_template_that_moved(service: Path, small: Small) -> None:
    small.folder.rename(small.folder.with_name("elsewhere"))


@case("is a shallow clone: fetch its whole history")
def a_shallow_template(service: Path, small: Small) -> None:
    git(small.folder.parent, "clone", "--quiet", "--depth=1", small.folder.as_uri(), "shallow")
    answers(service, f"_src_path: {small.folder}", f"_src_path: {small.folder.with_name('shallow')}")


@case("has no release: it lacks tags such as v1.0.0")
def a_template_without_releases(service: Path, small: Small) -> None:
    sha = git(small.folder, "rev-parse", "v1.0.0")
    answers(service, "v1.0.0", sha)
    git(small.folder, "tag", "--delete", "v1.0.0", "v2.0.0")


@case("template uses potentially unsafe feature")
def a_template_that_wants_to_run_something(service: Path, small: Small) -> None:
    small.release("v3.0.0", {"copier.yml": small.read("copier.yml") + '\n_tasks: ["touch task"]\n'})


@pytest.mark.parametrize("name", CASES)
def test_one_line_and_an_untouched_tree(name: str, first_small: Small, tmp_path: Path) -> None:
    small = Small(shutil.copytree(first_small.folder, tmp_path / "template"))
    service = small.service(tmp_path / "notes")
    small.release("v2.0.0", {in_core("db.py"): changed(numbered("db"), "db_03")})
    wrong, says = CASES[name]
    wrong(service, small)
    before = state(service)
    ran = run_update(service, json_=False)
    assert ran.status == 1
    assert len(ran.told.splitlines()) == 1, ran.told
    assert says.lower() in ran.told.lower()
    assert state(service) == before
    if service.exists() and (service / ".git").exists():
        assert "tool" not in git(service, "for-each-ref")


def test_an_older_version_is_refused(small: Small, tmp_path: Path) -> None:
    small.release("v2.0.0", {in_core("db.py"): changed(numbered("db"), "db_03")})
    service = small.service(tmp_path / "notes", "v2.0.0")
    assert "v1.0.0 is older than v2.0.0, which the service has" in run_update(service, "--to", "v1.0.0").told
    assert run_update(service).outcome["state"] == "current"


def test_without_git_and_with_an_old_one(small: Small, tmp_path: Path) -> None:
    service = small.service(tmp_path / "notes")
    empty = tmp_path / "bin"
    empty.mkdir()
    command = [*HARDENED, "update", str(service)]
    ran = run(command, tmp_path, PATH=str(empty))
    assert (ran.returncode, ran.stderr) == (1, "notes: git is not installed, and it is what merges: install it\n")
    write(empty / "git", "#!/bin/sh\necho git version 2.34.1\n")
    (empty / "git").chmod(0o755)
    ran = run(command, tmp_path, PATH=os.pathsep.join([str(empty), "/bin"]))
    assert ran.returncode == 1
    assert "this is git 2.34, and 2.38 or newer is needed" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_an_unknown_option_is_not_taken_for_being_behind(tmp_path: Path) -> None:
    ran = run([*HARDENED, "update", "--chek"], tmp_path)
    assert ran.returncode == 1
    assert "unrecognized arguments: --chek" in ran.stderr


def test_a_merge_that_fails_half_way_is_taken_back(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = small.service(tmp_path / "notes")
    small.release("v2.0.0", {in_core("db.py"): changed(numbered("db"), "db_03"), in_core("a.py"): "a = 1\n"})
    real = executable("git")
    stub = tmp_path / "bin" / "git"
    # Stops where git would after it has written the first file, on a full disk for example.
    write(
        stub,
        f'#!/bin/sh\ncase " $* " in *" cherry-pick "*) {real} "$@"; echo "error: no space left" >&2; exit 128;; esac\n'
        f'exec {real} "$@"\n',
    )
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", str(stub.parent), prepend=os.pathsep)
    ran = run_update(service, json_=False)
    assert (ran.status, ran.told) == (1, "notes: git cherry-pick: error: no space left; everything is as it was\n")
    assert git(service, "status", "--porcelain") == ""
