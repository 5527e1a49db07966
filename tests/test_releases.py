"""The releases: each row of releases.toml is a commit that is there, and the changelog tells its owners."""

from __future__ import annotations

import re
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from ._template import ROOT, git


@dataclass(frozen=True)
class Release:
    """A row of releases.toml."""

    version: str
    commit: str

    def tag(self, repository: Path) -> None:
        """Tag its commit in a clone; fail where the clone has not got it."""
        found = subprocess.run(
            ["git", "cat-file", "-e", f"{self.commit}^{{commit}}"], cwd=repository, capture_output=True, check=False
        )
        assert found.returncode == 0, (
            f"{self.version} is commit {self.commit}, which this clone has not got: fetch the whole history"
        )
        git(repository, "tag", "--force", self.version, self.commit)


def releases(path: Path) -> list[Release]:
    """The rows, oldest first."""
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("release", [])
    made = [Release(**row) for row in rows]
    for each in made:
        assert re.fullmatch(r"v\d+\.\d+\.\d+", each.version), f"{each.version!r} is no version such as v0.1.0"
        assert re.fullmatch(r"[0-9a-f]{40}", each.commit), f"{each.commit!r} is not a whole commit"
    numbers = [tuple(map(int, each.version[1:].split("."))) for each in made]
    assert numbers == sorted(set(numbers)), f"{path.name} is not in order"
    return made


def test_each_release_is_a_commit_of_this_history(own_template: Path) -> None:
    for each in releases(ROOT / "releases.toml"):
        each.tag(own_template)
        assert git(own_template, "rev-parse", f"{each.version}^{{commit}}") == each.commit
        git(own_template, "merge-base", "--is-ancestor", each.commit, "HEAD")


def test_a_release_whose_commit_is_missing_is_an_error(own_template: Path, tmp_path: Path) -> None:
    rows = tmp_path / "releases.toml"
    rows.write_text(f'[[release]]\nversion = "v0.1.0"\ncommit = "{"0" * 40}"\n', encoding="utf-8")
    (release,) = releases(rows)
    with pytest.raises(AssertionError, match=r"v0\.1\.0 is commit 0{40}, which this clone has not got"):
        release.tag(own_template)


@pytest.mark.parametrize(
    "rows",
    [
        [("0.1.0", "a" * 40)],
        [("v0.1.0", "abc")],
        [("v0.2.0", "a" * 40), ("v0.1.0", "b" * 40)],
        [("v0.1.0", "a" * 40), ("v0.1.0", "b" * 40)],
    ],
)
def test_a_row_that_cannot_be_right_is_an_error(rows: list[tuple[str, str]], tmp_path: Path) -> None:
    text = "".join(f'[[release]]\nversion = "{version}"\ncommit = "{commit}"\n' for version, commit in rows)
    (tmp_path / "releases.toml").write_text(text, encoding="utf-8")
    with pytest.raises(AssertionError):
        releases(tmp_path / "releases.toml")


def test_the_changelog_speaks_to_owners_under_three_headings_in_each_release() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    assert sections
    for section in sections:
        assert re.findall(r"^### (.+)$", section, re.MULTILINE) == [
            "Arrives by itself",
            "Will ask you",
            "May fail your checks (and how to answer)",
        ]
    told = set(re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE))
    assert {each.version.removeprefix("v") for each in releases(ROOT / "releases.toml")} <= told
