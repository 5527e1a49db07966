"""Services of every release, untouched and lived in, updated to the checkout as it stands."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hardened.config.table import load_config
from hardened.run import check, declared_options

from .._template import NOW, PACKAGE, ROOT, VARIANTS, commit, conflicts, files, git, owned_by_git, render, update
from ..rules._service import Environment
from ..test_releases import releases
from ._lived_in import EDITS, OLDEST, SINCE, live_in, marks, settle
from ._tool import run, run_update

ANSWERS = ".copier-answers.yml"
VERSIONS = [each.version for each in releases(ROOT / "releases.toml")]
WITH_AN_UPDATER = [version for version in VERSIONS if (0, 3) <= tuple(map(int, version[1:].split("."))) < (0, 5)]
LATE = {mark for mark, version in SINCE.items() if version != OLDEST}
SEEDED = re.compile(
    rf"README\.md|migrations/versions/.*|src/{PACKAGE}/(features/.*|(__init__|cli|main|settings)\.py)|tests/features/.*"
)
# What a service's update touches most, and what owners have written; the whole suite takes ten minutes.
OWN_TESTS = (
    "tests/features",
    "tests/test_mine.py",
    "tests/test_two_people.py",
    "tests/test_our_logs.py",
    "tests/test_migrations.py",
    "tests/test_realtime.py",
)


@pytest.fixture(scope="module")
def released(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with a tag for each release; not to be changed."""
    folder = shutil.copytree(template, tmp_path_factory.mktemp("released") / "template", symlinks=True)
    for each in releases(ROOT / "releases.toml"):
        each.tag(folder)
    return folder


@pytest.fixture(scope="module")
def lived_in(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A service that was made with this release, after a year; not to be changed."""
    known: dict[str, Path] = {}

    def of(version: str) -> Path:
        if version not in known:
            folder = owned_by_git(render(released, tmp_path_factory.mktemp("lived") / "inbox-demo", version))
            assert marks(folder, set(EDITS)) == set()
            done = live_in(folder, *VERSIONS[: VERSIONS.index(version) + 1])
            assert len(done) >= 30
            assert marks(folder, set(EDITS)) == done
            known[version] = folder
        return known[version]

    return of


@pytest.fixture(scope="module")
def environment(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """What a service of today is tested with."""
    folder = tmp_path_factory.mktemp("environment")
    made = Environment(render(released, folder / "rendered"), folder / "venv")
    yield made
    made.close()


@pytest.mark.parametrize("answers", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("version", VERSIONS)
def test_an_untouched_service_becomes_what_is_rendered_today(
    version: str, answers: dict[str, Any], released: Path, tmp_path: Path
) -> None:
    folder = owned_by_git(render(released, tmp_path / "service", version, **answers))
    seeds = {name: content for name, content in files(folder).items() if SEEDED.fullmatch(name)}
    ran = run_update(folder)
    assert (ran.status, ran.conflicts) == (0, [])
    fresh = files(render(released, tmp_path / "fresh", NOW, **answers))
    after = files(folder)
    expected = {name: content for name, content in fresh.items() if not SEEDED.fullmatch(name)}
    assert {name: content for name, content in after.items() if not SEEDED.fullmatch(name)} == expected
    assert {name: content for name, content in after.items() if SEEDED.fullmatch(name)} == seeds


@pytest.mark.slow
def test_in_one_jump_no_line_is_lost_and_its_own_tests_pass(
    lived_in: Callable[[str], Path], environment: Environment, tmp_path: Path
) -> None:
    folder = shutil.copytree(lived_in(VERSIONS[0]), tmp_path / "inbox-demo", symlinks=True)
    moves = _updated(folder)["moves"]
    # The owner follows what has moved, as the summary says: the old names of 0.4 are gone.
    terminal = [each for each in moves if each["path"] == f"src/{PACKAGE}/core/console.py"]
    assert [each["imports"] for each in terminal] != [[]]
    for place in terminal[0]["imports"]:
        path = folder / place.partition(":")[0]
        path.write_text(path.read_text("utf-8").replace("core.console import", "core.terminal import"), "utf-8")
    _passes_its_own_tests(folder, environment)


@pytest.mark.parametrize("version", sorted({*SINCE.values()} - {OLDEST}))
def test_in_one_jump_no_line_is_lost_of_what_a_later_release_has(
    version: str, lived_in: Callable[[str], Path], tmp_path: Path
) -> None:
    _updated(shutil.copytree(lived_in(version), tmp_path / "inbox-demo", symlinks=True))


@pytest.mark.slow
def test_release_by_release_no_line_is_lost(
    lived_in: Callable[[str], Path], environment: Environment, tmp_path: Path
) -> None:
    folder = shutil.copytree(lived_in(VERSIONS[0]), tmp_path / "inbox-demo", symlinks=True)
    for version in [*VERSIONS[1:], NOW]:
        _updated(folder, "--to", version)
        # The owner takes to what has arrived.
        live_in(folder, version)
    assert marks(folder, LATE) == LATE
    one_jump = shutil.copytree(lived_in(VERSIONS[0]), tmp_path / "one-jump", symlinks=True)
    _updated(one_jump)
    live_in(one_jump, *VERSIONS[1:])
    # What nobody had to settle is the same on both roads.
    differ = {name for name, content in files(folder).items() if files(one_jump).get(name) != content}
    assert differ <= SETTLED
    # At the end, since what runs there is compiled there.
    _is_known_to_the_rules(folder, environment)


SETTLED: set[str] = set()


def _updated(folder: Path, *options: str) -> dict[str, Any]:
    """Update, look for every mark, settle what conflicts, commit, and return the outcome."""
    before = marks(folder, set(EDITS))
    ran = run_update(folder, *options)
    assert ran.outcome["state"] in ("updated", "conflicts"), ran.told
    assert ran.status == (1 if ran.conflicts else 0)
    assert conflicts(folder) == sorted(set(ran.conflicts))
    assert marks(folder, set(EDITS)) == before
    assert (folder / ".env").read_text().startswith("SECRET_KEY=mine_secret")
    assert not (folder / f"src/{PACKAGE}/features/exports").exists()
    SETTLED.update(ran.conflicts)
    settle(folder, ran.conflicts)
    commit(folder, "updated")
    return ran.outcome


def _is_known_to_the_rules(folder: Path, environment: Environment) -> None:
    """The owner's queue, public route and acceptance are what they were before."""
    report = check(folder, select=("RT005", "JB002", "IM004"), python=str(environment.python))
    assert report.could_not_look == ()
    messages = "".join(each.message for each in report.findings)
    assert "GET /mine_public_route" not in messages
    assert "mine_queue" not in messages
    assert [each.where for each in load_config(folder, declared_options()).accepted] == ["scripts"]


def _passes_its_own_tests(folder: Path, environment: Environment) -> None:
    # Not the one that forks: what it has imported pytest cannot rewrite.
    python = str(environment.folder / "bin" / "python")
    own = {"PYTHONPATH": str(folder / "src"), "PROJECT_ROOT": str(folder), "VIRTUAL_ENV": "", **environment.variables()}
    service = [python, "-c", f"from {PACKAGE}.cli import main; main()"]
    # As the changelog says: the core's tables have changed.
    for arguments in (["migrate"], ["migrate", "--new", "the template's tables"], ["migrate"]):
        done = run([*service, *arguments], folder, **own)
        assert done.returncode == 0, done.stdout + done.stderr
    options = ["-q", "--engine=sqlite", "-m", "not slow and not soak", "-p", "no:cacheprovider", "--no-header"]
    tested = run([python, "-m", "pytest", *options, *OWN_TESTS], folder, **own)
    assert tested.returncode == 0, tested.stdout[-6000:]
    assert re.search(r"\b\d{2,} passed", tested.stdout)


@pytest.mark.parametrize("version", VERSIONS)
def test_plain_copier_update_loses_nothing_either(
    version: str, lived_in: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(lived_in(version), tmp_path / "inbox-demo", symlinks=True)
    before = marks(folder, set(EDITS))
    update(folder)
    assert marks(folder, set(EDITS)) == before
    # And then the service's own goes on from there.
    settle(folder, conflicts(folder))
    commit(folder, "updated")
    assert run_update(folder).outcome["state"] == "current"
    assert git(folder, "status", "--porcelain") == ""


@pytest.mark.parametrize("answers", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("version", WITH_AN_UPDATER)
def test_the_updater_that_a_service_carries_brings_it_to_where_it_carries_none(
    version: str, answers: dict[str, Any], released: Path, tmp_path: Path
) -> None:
    folder = owned_by_git(render(released, tmp_path / "service", version, **answers))
    seeds = {name: content for name, content in files(folder).items() if SEEDED.fullmatch(name)}
    assert _updated_by_its_own(folder) == ("updated", [])
    fresh = files(render(released, tmp_path / "fresh", NOW, **answers))
    after = files(folder)
    assert not {name for name in after if name.startswith((f"src/{PACKAGE}/checks/", "tools/"))}
    expected = {name: content for name, content in fresh.items() if not SEEDED.fullmatch(name)}
    assert {name: content for name, content in after.items() if not SEEDED.fullmatch(name)} == expected
    assert {name: content for name, content in after.items() if SEEDED.fullmatch(name)} == seeds


@pytest.mark.parametrize("version", WITH_AN_UPDATER)
def test_the_updater_that_a_service_carries_loses_nothing_and_does_what_the_tool_does(
    version: str, lived_in: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(lived_in(version), tmp_path / "own" / "inbox-demo", symlinks=True)
    before = marks(folder, set(EDITS))
    state, conflicting = _updated_by_its_own(folder)
    assert (state, conflicting) == ("conflicts" if conflicting else "updated", conflicts(folder))
    assert marks(folder, set(EDITS)) == before
    by_the_tool = shutil.copytree(lived_in(version), tmp_path / "tool" / "inbox-demo", symlinks=True)
    assert run_update(by_the_tool).conflicts == conflicting
    own, tool = files(folder), files(by_the_tool)
    assert own.keys() == tool.keys()
    assert {name for name in own if own[name] != tool[name]} <= set(conflicting)
    settle(folder, conflicting)
    commit(folder, "updated")
    # From now on the tool.
    assert run_update(folder).outcome["state"] == "current"


def _updated_by_its_own(folder: Path) -> tuple[str, list[str]]:
    """Run the updater that the service carries, as its session of nox does; the state, and the paths in conflict."""
    done = run([sys.executable, "tools/update.py", "--no-check", "--format=json"], folder)
    outcome = json.loads(done.stdout)
    return outcome["state"], sorted({each["path"] for each in outcome["conflicts"]})


@pytest.mark.slow
def test_each_release_after_another_loses_nothing_where_the_two_ways_take_turns(
    lived_in: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(lived_in(VERSIONS[0]), tmp_path / "inbox-demo", symlinks=True)
    steps = [*pairwise([*VERSIONS, NOW])]
    for number, (_, version) in enumerate(steps):
        before = marks(folder, set(EDITS))
        if number % 2:
            assert run_update(folder, "--to", version).outcome["state"] in ("updated", "conflicts")
        else:
            update(folder, version)
        assert marks(folder, set(EDITS)) == before
        settle(folder, conflicts(folder))
        commit(folder, version)
        live_in(folder, version)
    assert marks(folder, LATE) == LATE
    assert f"_commit: {NOW}" in (folder / ANSWERS).read_text()
