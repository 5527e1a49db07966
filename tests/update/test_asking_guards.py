"""The guards before and after: asked in copies, and an update goes on where they cannot answer."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from .._template import commit, files, git
from ._tool import Small, changed, core, in_core, numbered, run_update, write

CHECKS = "template/src/{{ package }}/checks"
OLD = {"code": "DB001", "message": "too many connections (DB001)", "file": "src/notes/core/db.py", "line": 3}
NEW = {"code": "JB002", "message": "nobody takes from it (JB002)", "file": None, "line": None}


def guards(*findings: dict[str, Any], more: str = "") -> dict[str, str | None]:
    """A version of the small template whose guards find this."""
    said = f"import sys\nfrom pathlib import Path\n{more}\nprint({json.dumps(json.dumps(findings))})\n"
    return {
        "template/src/{{ package }}/__init__.py": "",
        f"{CHECKS}/__init__.py": "",
        f"{CHECKS}/__main__.py": said,
    }


@pytest.fixture
def service(small: Small, tmp_path: Path) -> Path:
    """A service whose guards find one thing."""
    small.release("v1.1.0", guards(OLD))
    return small.service(tmp_path / "notes", "v1.1.0")


def asked(folder: Path, *options: str) -> dict[str, Any]:
    """What the update says, with this interpreter for the guards."""
    return run_update(folder, "--python", sys.executable, *options, check=True).outcome


def test_what_is_new_is_told_apart(service: Path, small: Small) -> None:
    moved = {**OLD, "line": 7}
    small.release("v2.0.0", guards(moved, NEW))
    before = files(service)
    shown = asked(service, "--dry-run")
    assert files(service) == before
    assert shown["check"] == {"before": [OLD], "after": [moved, NEW], "told": ""}
    assert shown["new_findings"] == [NEW]
    told = run_update(service, "--python", sys.executable, check=True, json_=False).told
    assert "Check: 1 finding before, 2 findings after; new\n\n- somewhere:0: nobody takes from it (JB002)\n" in told


def test_with_a_conflict_they_are_asked_before_alone(service: Path, small: Small) -> None:
    write(core(service, "db.py"), changed(numbered("db"), "db_03", to="mine"))
    commit(service, "mine")
    small.release("v2.0.0", {**guards(NEW), in_core("db.py"): changed(numbered("db"), "db_03")})
    outcome = asked(service)
    assert outcome["check"] == {
        "before": [OLD],
        "after": None,
        "told": "after: not asked, since there are conflicts to settle first",
    }


def test_a_service_that_cannot_be_imported_is_updated_all_the_same(service: Path, small: Small) -> None:
    write(service / "src/notes/__init__.py", "raise RuntimeError('no database here')\n")
    commit(service, "broken")
    small.release("v2.0.0", {in_core("db.py"): changed(numbered("db"), "db_03")})
    outcome = asked(service)
    assert outcome["state"] == "updated"
    assert outcome["check"]["told"] == "before: the checks ended with 1: RuntimeError: no database here"


def test_they_see_the_settings_of_the_service_and_write_nothing_into_it(service: Path, small: Small) -> None:
    write(service / ".env", "SECRET=mine\n")
    more = "Path('written.txt').touch()\nassert Path('.env').read_text() == 'SECRET=mine\\n'\n"
    small.release("v2.0.0", guards(NEW, more=more))
    outcome = asked(service)
    assert outcome["check"]["after"] == [NEW]
    assert not (service / "written.txt").exists()
    assert git(service, "status", "--porcelain", "--ignored").splitlines()[-1] == "!! .env"
