"""A fleet: many services side by side, of which a broken one never stops the others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from .._template import commit, git, owned_by_git, render
from ._tool import HARDENED, Small, changed, core, in_core, numbered, run, state, write


def fleet(*arguments: str, folder: Path) -> tuple[int, dict[str, dict[str, Any]]]:
    """The status, and what is said of each service."""
    done = run([*HARDENED, "fleet", "--format=json", "--no-check", *arguments], folder)
    assert done.stdout, done.stderr
    return done.returncode, {each["service"]: each for each in json.loads(done.stdout)}


@pytest.fixture
def services(small: Small, tmp_path: Path) -> Path:
    """A folder of services: four that can be updated, one in conflict, and every kind of broken one."""
    folder = tmp_path / "fleet"
    folder.mkdir()
    first = small.service(folder / "plain")
    for name in ("edited", "conflicting", "dirty", "no-repository", "unknown-version", "corrupted", "merging"):
        shutil.copytree(first, folder / name)
    other = small.service(folder / "other-answers", package="letters", description="Letters.")
    write(other / "src/letters/core/mine.py", "mine = 1\n")
    commit(other, "mine")
    write(core(folder / "edited", "queue.py"), numbered("queue") + "mine = 1\n")
    accepted = '\n[[tool.hardening.accepted]]\ncode = "DB001"\nwhere = "notes"\nreason = "one user"\n'
    with (folder / "edited" / "pyproject.toml").open("a", encoding="utf-8") as project:
        project.write(accepted)
    write(core(folder / "conflicting", "db.py"), changed(numbered("db"), "db_03", to="mine"))
    for name in ("edited", "conflicting"):
        commit(folder / name, "mine")
    write(folder / "dirty" / "new.txt", "mine\n")
    shutil.rmtree(folder / "no-repository" / ".git")
    for name, old, new in (("unknown-version", "v1.0.0", "v0.4.2"), ("corrupted", "_commit: ", "_commit: [")):
        path = folder / name / ".copier-answers.yml"
        path.write_text(path.read_text().replace(old, new))
        commit(folder / name, "edited")
    write(folder / "merging" / ".git" / "MERGE_HEAD", git(folder / "merging", "rev-parse", "HEAD"))
    # Two in one repository.
    for name in ("one", "two"):
        render(small.folder, folder / "both" / name, "v1.0.0")
    owned_by_git(folder / "both")
    write(folder / "list.txt", "# Ours\nplain\nother-answers # letters\n\nboth/one\nboth/two\n")
    small.release("v2.0.0", {in_core("db.py"): changed(numbered("db"), "db_03"), in_core("new.py"): numbered("new")})
    return folder


BROKEN = ("dirty", "no-repository", "unknown-version", "corrupted", "merging", "missing")
SAYS = {
    "dirty": "not committed: new.txt",
    "no-repository": "is in no git repository",
    "unknown-version": "has no version v0.4.2",
    "corrupted": "is no YAML",
    "merging": "a merge is in progress",
    "missing": "is no folder",
}


def test_a_broken_one_never_stops_the_others(services: Path) -> None:
    before = {name: state(services / name) for name in BROKEN}
    shown = fleet("--dry-run", "list.txt", "edited", "conflicting", *BROKEN, folder=services)
    assert shown[0] == 1
    assert git(services / "plain", "status", "--porcelain") == ""
    status, rows = fleet("list.txt", "edited", "conflicting", *BROKEN, folder=services)
    assert status == 1
    states = {name: row["state"] for name, row in rows.items()}
    assert {name for name, each in states.items() if each == "refused"} == {*BROKEN, "two"}
    assert states == {
        **dict.fromkeys(("plain", "other-answers", "one", "edited"), "updated"),
        "conflicting": "conflicts",
        **dict.fromkeys((*BROKEN, "two"), "refused"),
    }
    assert {name: SAYS[name] in rows[name]["reason"] for name in BROKEN} == dict.fromkeys(BROKEN, True)
    # Its neighbour's update is in the one index that both have.
    assert rows["two"]["reason"].startswith("not committed: ")
    assert {name: state(services / name) for name in BROKEN} == before
    for name in ("plain", "edited", "both/one"):
        assert 'db_03 = "hardened"' in core(services / name, "db.py").read_text()
    assert (services / "other-answers/src/letters/core/new.py").is_file()
    assert rows["edited"]["accepted"] == [{"code": "DB001", "where": "notes", "reason": "one user"}]
    assert rows["conflicting"]["behind"] == ["v2.0.0"]


def test_the_table_has_a_row_for_each_and_says_the_rest_below(services: Path) -> None:
    command = [*HARDENED, "fleet", "--dry-run", "--no-check", "edited", "conflicting", "corrupted"]
    done = run(command, services, COLUMNS="120")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["3", "services"]
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]
    assert cells == [
        ["edited", "v1.0.0", "1", "would update", "0", "?", "1"],
        ["conflicting", "v1.0.0", "1", "would conflict", "1", "?", ""],
        ["corrupted", "?", "?", "refused", "", "", ""],
    ]
    assert "edited: accepted: DB001 at notes: one user" in lines
    assert "conflicting: conflict: src/notes/core/db.py: both sides changed the same lines" in lines
    assert any(line.startswith("corrupted: .copier-answers.yml is no YAML") for line in lines)
    assert "3/3" in done.stderr


def test_looking_alone_ends_with_2_where_somebody_is_behind(services: Path) -> None:
    assert fleet("--check", "plain", folder=services)[0] == 2
    fleet("plain", folder=services)
    commit(services / "plain", "updated")
    assert fleet("--check", "plain", folder=services)[0] == 0
    assert fleet("--check", "plain", "edited", folder=services)[0] == 2


def test_one_that_takes_too_long_or_is_no_text_is_a_row(services: Path) -> None:
    status, rows = fleet("--seconds=0.01", "plain", folder=services)
    assert (status, rows["plain"]["state"]) == (1, "refused")
    assert "took longer than 0.01 s" in rows["plain"]["reason"]
    # Not text at all.
    (services / "edited" / "pyproject.toml").write_bytes(b"\xff\xfe\x00")
    commit(services / "edited", "broken")
    status, rows = fleet("edited", "other-answers", folder=services)
    assert (status, rows["other-answers"]["state"]) == (0, "updated")
    assert rows["edited"]["state"] == "updated"
