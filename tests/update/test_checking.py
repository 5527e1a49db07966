"""The findings before and after: looked for in copies, and an update goes on where that is not possible."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hardened.lifecycle import findings

from .._template import commit, files, git
from ._tool import Small, changed, core, in_core, numbered, run_update, write

OLD = {"code": "DB001", "message": "too many connections (DB001)", "file": "src/notes/core/db.py", "line": 3}
NEW = {"code": "DB001", "message": "too many workers (DB001)", "file": None, "line": None}
OF_A_NEW_RULE = {"code": "JB002", "message": "nobody takes from it (JB002)", "file": None, "line": None}
FOUND = "found.json"


def finds(*rows: dict[str, Any]) -> dict[str, str | None]:
    """A version of the small template in which these are found."""
    return {f"template/{FOUND}": json.dumps(rows)}


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, Path]]:
    """The copies that are checked, each with its interpreter; their findings are in a file of theirs."""
    copies: list[tuple[Path, Path]] = []

    def check(folder: Path, python: Path) -> list[dict[str, Any]]:
        copies.append((folder, python))
        (folder / "written.txt").touch()
        rows: list[dict[str, Any]] = json.loads((folder / FOUND).read_text(encoding="utf-8"))
        return rows

    monkeypatch.setattr(findings, "check", check)
    return copies


@pytest.fixture
def service(small: Small, tmp_path: Path, checked: list[tuple[Path, Path]]) -> Path:
    """A service in which one thing is found."""
    small.release("v1.1.0", finds(OLD))
    return small.service(tmp_path / "notes", "v1.1.0")


def updated(folder: Path, *options: str) -> dict[str, Any]:
    """The outcome, with this interpreter for the check."""
    return run_update(folder, "--python", sys.executable, *options, check=True).outcome


def test_a_new_finding_is_told_from_one_whose_line_moved(service: Path, small: Small) -> None:
    moved = {**OLD, "line": 7}
    small.release("v2.0.0", finds(moved, NEW))
    before = files(service)
    shown = updated(service, "--dry-run")
    assert files(service) == before
    assert shown["check"] == {"before": [OLD], "after": [moved, NEW], "reason": ""}
    assert shown["new_findings"] == [NEW]
    summary = run_update(service, "--python", sys.executable, check=True, json_=False).told
    assert "Check: 1 finding before, 2 findings after; new\n\n- somewhere:0: too many workers (DB001)\n" in summary


def test_a_finding_of_a_new_rule_is_new_though_it_was_there_before(service: Path, small: Small) -> None:
    small.release("v1.2.0", finds(OLD, OF_A_NEW_RULE))
    assert updated(service)["state"] == "updated"
    commit(service, "updated")
    rule = {"src/hardened/rules/jb/jb002.py": 'class JB002:\n    """Jobs that nobody takes."""\n'}
    small.release("v2.0.0", {**rule, in_core("db.py"): changed(numbered("db"), "db_03")})
    outcome = updated(service)
    assert outcome["new_rules"] == {"JB002": "Jobs that nobody takes."}
    assert outcome["check"]["before"] == [OLD]
    assert outcome["new_findings"] == [OF_A_NEW_RULE]


def test_a_rule_that_moves_into_the_tool_is_not_new(service: Path, small: Small) -> None:
    rule = 'class JB002:\n    """Jobs that nobody takes."""\n'
    small.release("v1.2.0", {"template/src/{{ package }}/checks/jobs.py": rule})
    assert updated(service)["new_rules"] == {"JB002": "Jobs that nobody takes."}
    commit(service, "updated")
    small.release("v2.0.0", {"template/src/{{ package }}/checks/jobs.py": None, "src/hardened/rules/jb/jb002.py": rule})
    outcome = updated(service)
    assert (outcome["new_rules"], outcome["files"][-1]) == ({}, ["deleted", "src/notes/checks/jobs.py"])


def test_with_a_conflict_only_the_state_before_is_checked(
    service: Path, small: Small, checked: list[tuple[Path, Path]]
) -> None:
    write(core(service, "db.py"), changed(numbered("db"), "db_03", to="mine"))
    commit(service, "mine")
    small.release("v2.0.0", {**finds(NEW), in_core("db.py"): changed(numbered("db"), "db_03")})
    outcome = updated(service)
    assert outcome["check"] == {
        "before": [OLD],
        "after": None,
        "reason": "after: not checked, since there are conflicts to settle first",
    }
    assert [(folder.name, python) for folder, python in checked] == [("head", Path(sys.executable))]


def test_a_check_sees_the_settings_of_the_service_and_writes_nothing_into_it(
    service: Path, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(service / ".env", "SECRET=mine\n")
    seen: list[str] = []

    def check(folder: Path, python: Path) -> list[dict[str, Any]]:
        (folder / "written.txt").touch()
        seen.append((folder / ".env").read_text(encoding="utf-8"))
        return [NEW]

    monkeypatch.setattr(findings, "check", check)
    small.release("v2.0.0", {in_core("db.py"): changed(numbered("db"), "db_03")})
    assert updated(service)["check"]["after"] == [NEW]
    assert seen == ["SECRET=mine\n"] * 2
    assert not (service / "written.txt").exists()
    assert git(service, "status", "--porcelain", "--ignored").splitlines()[-1] == "!! .env"


def test_a_service_that_cannot_be_installed_is_updated_all_the_same(
    service: Path, small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = tmp_path / "bin" / "uv"
    write(uv, "#!/bin/sh\necho no such package >&2\nexit 2\n")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(uv.parent), prepend=":")
    small.release("v2.0.0", {in_core("db.py"): changed(numbered("db"), "db_03")})
    outcome = run_update(service, check=True).outcome
    assert outcome["state"] == "updated"
    assert outcome["check"]["reason"] == "before: the service could not be installed: no such package"


def test_the_rules_of_the_tool_are_asked(small: Small, tmp_path: Path) -> None:
    write(tmp_path / "notes/pyproject.toml", '[tool.hardening]\npackage = "notes"\n')
    write(tmp_path / "notes/src/notes/__init__.py", "import time\n\n\nasync def wait() -> None:\n    time.sleep(1)\n")
    rows = findings.check(tmp_path / "notes", Path(sys.executable))
    assert ("src/notes/__init__.py", 5) in {(each["file"], each["line"]) for each in rows if each["code"] == "RN002"}
