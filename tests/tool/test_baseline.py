"""The baseline: findings that are known already, wherever their lines move."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hardened.config.baseline import Entry, compare, fingerprint, read_baseline, write_baseline
from hardened.config.errors import ConfigError
from hardened.model import Finding, Location

FOUND = Finding("DB005", "orders.user_id has no index", location=Location("src/a.py", 3), subject="orders.user_id")


def at(line: int, message: str = "x") -> Finding:
    return Finding("IM003", message, location=Location("src/a.py", line))


def test_a_finding_whose_line_moved_is_the_same() -> None:
    assert fingerprint(at(3)) == fingerprint(at(30))
    assert fingerprint(at(3, "GET /x (src/b.py:7) never runs, see line 9")) == fingerprint(
        at(4, "GET /x (src/b.py:8) never runs, see line 11")
    )


@pytest.mark.parametrize(
    "other",
    [
        Finding("DB002", "orders.user_id has no index", location=Location("src/a.py"), subject="orders.user_id"),
        Finding("DB005", "orders.user_id has no index", location=Location("src/b.py"), subject="orders.user_id"),
        Finding("DB005", "orders.user_id has no index", location=Location("src/a.py"), subject="orders.other_id"),
    ],
)
def test_another_code_file_or_subject_is_another_finding(other: Finding) -> None:
    assert fingerprint(FOUND) != fingerprint(other)


def test_numbers_that_are_no_lines_count() -> None:
    assert fingerprint(at(1, "3 statements")) != fingerprint(at(1, "4 statements"))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    assert write_baseline(path, [at(1), at(2), FOUND]) == 3
    assert read_baseline(path) == {Entry("IM003", "src/a.py", "x"): 2, Entry.of(FOUND): 1}


def test_the_file_does_not_depend_on_the_order_of_findings(tmp_path: Path) -> None:
    write_baseline(tmp_path / "a", [at(1), FOUND])
    write_baseline(tmp_path / "b", [FOUND, at(7)])
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text()


def test_one_more_of_the_same_is_new() -> None:
    new, known, gone = compare([at(1), at(2), at(3)], Counter({Entry.of(at(9)): 2}), {"IM003"})
    assert (new, known, gone) == ([at(3)], [at(1), at(2)], [])


def test_entries_that_match_nothing_are_named_where_their_rule_looked() -> None:
    baseline = Counter([Entry.of(FOUND), Entry.of(at(1))])
    assert compare([], baseline, {"DB005"}) == ([], [], ["DB005 src/a.py: orders.user_id"])


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"version": 1}', '{"version": 1, "findings": [{}]}', "[" * 100_000]
)
def test_a_file_that_is_no_baseline_is_one_clear_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(f"{path} is no baseline; make it with --write-baseline {path}")):
        read_baseline(path)


def test_a_baseline_of_another_version_or_that_is_missing_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_baseline(path)
    path.write_text('{"version": 9}', encoding="utf-8")
    with pytest.raises(ConfigError, match="is a baseline of version 9, not 1"):
        read_baseline(path)
    with pytest.raises(ConfigError, match="cannot be written"):
        write_baseline(tmp_path / "no" / "x", [])
