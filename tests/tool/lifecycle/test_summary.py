"""The summary of an update, and its exit status."""

from __future__ import annotations

import pytest
from hardened.lifecycle.outcome import Conflict, FindingsComparison, Move, Outcome
from hardened.lifecycle.summary import summary

ROW = {"code": "DB001", "message": "too wide; bound it (DB001)", "file": "src/a.py", "line": 3}


@pytest.mark.parametrize(
    ("outcome", "text", "status"),
    [
        (Outcome("a", reason="a is no folder"), "a: a is no folder\n", 1),
        (Outcome("a", "v1.0.0", "v1.0.0", state="current"), "a: nothing to do, the template is at v1.0.0\n", 0),
        (
            Outcome("a", "v1.0.0", "v2.0.0", ["v1.1.0", "v2.0.0"], "behind"),
            "a: behind, template v1.0.0 -> v2.0.0 (v1.1.0, v2.0.0)\n",
            2,
        ),
    ],
)
def test_one_line_where_there_is_nothing_to_read(outcome: Outcome, text: str, status: int) -> None:
    assert (summary(outcome), outcome.status) == (text, status)


def test_everything_that_an_owner_has_to_decide_is_there() -> None:
    outcome = Outcome(
        "a",
        "v1.0.0",
        "v2.0.0",
        ["v2.0.0"],
        "conflicts",
        files=[("changed", "a.py"), ("new", "b.py")],
        conflicts=[Conflict("a.py", "both sides added it", "choose")],
        new_rules={"JB002": "Lost jobs."},
        moves=[Move("old.py", "new.py", "0.6", ("main.py:1",)), Move("gone.py", imports=("main.py:2",))],
        questions={"colour": "'red', by default (Which?)"},
        seeded=["README.md"],
        ignored=[".env"],
        check=FindingsComparison([], [ROW]),
        decisions={"v2.0.0": {"Will ask you": "- B."}},
    )
    assert summary(outcome) == (
        "a: template v1.0.0 -> v2.0.0\nFiles: 1 new, 1 changed. Conflicts: 1.\n\n"
        "Conflicts\n\n- `a.py`: both sides added it; choose\n\n"
        "Questions\n\n- colour: 'red', by default (Which?)\n\n"
        "New rules\n\n- JB002: Lost jobs.\n\n"
        "Moved\n\n- `old.py` is `new.py`; the old name goes with 0.6; change the imports in `main.py:1`\n"
        "- `gone.py` is gone; change the imports in `main.py:2`\n\n"
        "Check: 0 findings before, 1 finding after; new\n\n- src/a.py:3: too wide; bound it (DB001)\n\n"
        "Will ask you, v2.0.0:\n\n- B.\n\n"
        "Yours, so not touched; new services have it otherwise\n\n- `README.md`\n\n"
        "Not delivered, since git ignores it here\n\n- `.env`\n\n"
        "Files\n\n- changed: `a.py`\n- new: `b.py`\n\n"
        "Next: settle each conflict as it says, run nox, git commit. Undo all of it: git reset --merge\n"
    )


def test_a_lock_file_that_has_to_follow_is_part_of_the_next_step() -> None:
    outcome = Outcome("a", "v1.0.0", "v2.0.0", state="updated", stale_lock=True)
    assert "(git diff --cached); uv lock; git add uv.lock; nox; git commit" in summary(outcome)
    assert outcome.status == 0
