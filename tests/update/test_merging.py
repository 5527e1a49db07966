"""What an update does to what both sides changed, by `copier update` and by the service's own."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hardened.config.table import load_config
from hardened.run import declared_options

from .._template import ROOT, commit, conflicts, files, git, render, update
from ..test_releases import releases
from ._lived_in import settle
from ._tool import SMALL, Small, changed, core, in_core, numbered, run, run_update, state, write
from .conftest import Way

NEXT = "v2.0.0"
ANSWERS = ".copier-answers.yml"
FENCE = "  # Yours: add below this line.\n"
PROJECT = "template/pyproject.toml.jinja"
ACCEPTED = '[[tool.hardening.accepted]]\ncode = "DB005"\nwhere = "a.b"\nreason = "mine"\n'


@pytest.fixture
def service(small: Small, tmp_path: Path) -> Path:
    """A service of the first release."""
    return small.service(tmp_path / "notes")


def harden(small: Small, *names: str, file: str = "db.py") -> None:
    """Release a version that changes these lines."""
    small.release(NEXT, {in_core(file): changed(small.read(in_core(file)), *names)})


def edit(path: Path, old: str, new: str) -> None:
    """Change a text that is there once, and commit."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


# Both ways


def test_an_untouched_service_equals_a_fresh_one(way: Way, service: Path, small: Small, tmp_path: Path) -> None:
    small.release(
        NEXT,
        {
            in_core("db.py"): changed(small.read(in_core("db.py")), "db_03"),
            in_core("new.py"): numbered("new"),
            in_core("queue.py"): None,
            in_core("broker.py"): small.read(in_core("queue.py")),
        },
    )
    assert way(service) == []
    fresh = files(render(small.folder, tmp_path / "fresh", NEXT))
    assert files(service) == fresh


def test_edits_of_one_file_in_two_places_are_both_kept(way: Way, service: Path, small: Small) -> None:
    edit(core(service, "db.py"), "db_25 = 25\n", "db_25 = 25\nmine = 1\n")
    commit(service, "mine")
    harden(small, "db_03")
    assert way(service) == []
    text = core(service, "db.py").read_text()
    assert 'db_03 = "hardened"' in text
    assert "mine = 1" in text


@pytest.mark.parametrize("line", ["db_03", "db_04"], ids=["the same line", "the next line"])
def test_edits_of_one_line_are_a_conflict_with_all_of_both(line: str, way: Way, service: Path, small: Small) -> None:
    edit(core(service, "db.py"), f"{line} = ", f"{line} = 100 + ")
    commit(service, "mine")
    harden(small, "db_03")
    assert way(service) == ["src/notes/core/db.py"]
    text = core(service, "db.py").read_text()
    assert {'db_03 = "hardened"' in text, "100 + " in text, "<<<<<<<" in text} == {True}
    stages = git(service, "ls-files", "--unmerged").splitlines()
    assert [each.split()[2] for each in stages] == ["1", "2", "3"]


def test_both_add_a_dependency_and_the_fence_keeps_them_apart(way: Way, service: Path, small: Small) -> None:
    edit(service / "pyproject.toml", FENCE, f'{FENCE}  "boto3>=1.34",\n')
    commit(service, "mine")
    small.release(NEXT, {PROJECT: SMALL[PROJECT].replace(FENCE, f'  "structlog>=26",\n{FENCE}')})
    assert way(service) == []
    text = (service / "pyproject.toml").read_text()
    assert f'"structlog>=26",\n{FENCE}  "boto3>=1.34",\n' in text


def test_both_add_a_dependency_above_the_fence_is_a_conflict(way: Way, service: Path, small: Small) -> None:
    edit(service / "pyproject.toml", FENCE, f'  "boto3>=1.34",\n{FENCE}')
    commit(service, "mine")
    small.release(NEXT, {PROJECT: SMALL[PROJECT].replace(FENCE, f'  "structlog>=26",\n{FENCE}')})
    assert way(service) == ["pyproject.toml"]
    text = (service / "pyproject.toml").read_text()
    assert {"boto3" in text, "structlog" in text} == {True}


def real(text: str) -> str:
    """The real template's project, as the small one's."""
    return text.replace("{{ slug }}", "{{ package }}")


def options(folder: Path) -> Mapping[str, object]:
    """The keys of single rules, as the service's configuration has them."""
    return load_config(folder, declared_options()).options


def test_both_configure_the_rules_and_nothing_conflicts(way: Way, small: Small, tmp_path: Path) -> None:
    before = real((ROOT / PROJECT).read_text())
    small.release("v1.1.0", {PROJECT: before})
    folder = small.service(tmp_path / "other", "v1.1.0")
    project = folder / "pyproject.toml"
    line = "[tool.hardening.yours]\n"
    yours = 'public-routes = ["GET /mine"]\nbanned = ["mine: use theirs"]\nliveness = ["/mine"]\n'
    head, _, rest = project.read_text().partition(line)
    project.write_text(head + line + rest.replace(f"{FENCE.strip()}\n", f"{FENCE.strip()}\n{yours}", 1))
    edit(project, '2026-11-20"\n', f'2026-11-20"\n{ACCEPTED}')
    commit(folder, "mine")
    after = before.replace('package = "{{ package }}"\n# ', 'package = "{{ package }}"\nkubernetes = ["k8s/**"]\n# ')
    assert len({before, after}) == 2
    small.release(NEXT, {PROJECT: after})
    assert way(folder) == []
    routes = options(folder)["public_routes"]
    assert isinstance(routes, tuple)
    assert {"GET /mine", "POST /sessions"} <= set(routes)
    config = load_config(folder, declared_options())
    assert "k8s/**" in config.kubernetes
    assert [each.where for each in config.accepted] == ["a.b"]


@pytest.mark.parametrize("version", [each.version for each in releases(ROOT / "releases.toml")])
def test_an_earlier_configuration_of_the_rules_is_kept_by_its_owner(
    version: str, way: Way, template: Path, small: Small, tmp_path: Path
) -> None:
    (row,) = (each for each in releases(ROOT / "releases.toml") if each.version == version)
    small.release("v1.1.0", {PROJECT: real(git(template, "show", f"{row.commit}:{PROJECT}") + "\n")})
    folder = small.service(tmp_path / "other", "v1.1.0")
    project = folder / "pyproject.toml"
    edit(project, '2026-11-20"\n', f'2026-11-20"\n{ACCEPTED}')
    fenced = "[tool.hardening.yours]" in project.read_text()
    if fenced:
        text, line = project.read_text(), f"{FENCE.strip()}\n"
        below = text.index(line, text.index("[tool.hardening.yours]")) + len(line)
        project.write_text(f'{text[:below]}public-routes = ["GET /mine"]\n{text[below:]}')
    project.write_text(f'{project.read_text()}\n[tool.mine]\nregion = "x"\n')
    commit(folder, "mine")
    small.release(NEXT, {PROJECT: real((ROOT / PROJECT).read_text())})
    assert way(folder) == []
    assert [each.where for each in load_config(folder, declared_options()).accepted] == ["a.b"]
    assert "preset" in project.read_text()
    if fenced:
        routes = options(folder)["public_routes"]
        assert isinstance(routes, tuple)
        assert {"GET /mine", "POST /sessions"} <= set(routes)


@pytest.mark.parametrize("version", ["v0.3.0", "v0.4.0"])
def test_keys_in_the_templates_half_conflict_and_both_halves_together_are_valid(
    version: str, way: Way, template: Path, small: Small, tmp_path: Path
) -> None:
    (row,) = (each for each in releases(ROOT / "releases.toml") if each.version == version)
    small.release("v1.1.0", {PROJECT: real(git(template, "show", f"{row.commit}:{PROJECT}") + "\n")})
    folder = small.service(tmp_path / "other", "v1.1.0")
    project = folder / "pyproject.toml"
    edit(project, '"POST /sessions"]', '"POST /sessions", "GET /mine"]')
    edit(project, '["deploy/kubernetes/*.yaml"]\n', '["deploy/kubernetes/*.yaml"]\ndocuments = ["mine.md"]\n')
    commit(folder, "mine")
    small.release(NEXT, {PROJECT: real((ROOT / PROJECT).read_text())})
    assert way(folder) == ["pyproject.toml"]
    settle(folder, ["pyproject.toml"])
    routes = options(folder)["public_routes"]
    assert isinstance(routes, tuple)
    assert "GET /mine" in routes
    assert 'documents = ["mine.md"]' in project.read_text()


def test_a_line_between_is_enough(way: Way, service: Path, small: Small) -> None:
    edit(service / "pyproject.toml", '  "fastapi>=0.165",\n', '  "fastapi>=0.165",\n  "boto3>=1.34",\n')
    commit(service, "mine")
    small.release(NEXT, {PROJECT: SMALL[PROJECT].replace('"sqlalchemy>=2.1"', '"sqlalchemy>=2.2"')})
    assert way(service) == []
    text = (service / "pyproject.toml").read_text()
    assert {"boto3" in text, "sqlalchemy>=2.2" in text} == {True}


def test_both_add_one_file_is_a_conflict_with_all_of_both(way: Way, service: Path, small: Small) -> None:
    write(core(service, "new.py"), numbered("mine"))
    commit(service, "mine")
    small.release(NEXT, {in_core("new.py"): numbered("template")})
    assert way(service) == ["src/notes/core/new.py"]
    text = core(service, "new.py").read_text()
    assert {"mine_29" in text, "template_29" in text} == {True}


def test_a_file_that_nobody_changed_moves_with_the_template(way: Way, service: Path, small: Small) -> None:
    small.release(NEXT, {in_core("db.py"): None, in_core("database.py"): small.read(in_core("db.py"))})
    assert way(service) == []
    assert not core(service, "db.py").exists()
    assert core(service, "database.py").is_file()


def test_a_tombstone_over_an_edited_file_is_a_conflict_with_the_whole_edit(
    way: Way, service: Path, small: Small
) -> None:
    edit(core(service, "db.py"), "db_25 = 25\n", "db_25 = 'mine'\n")
    commit(service, "mine")
    tombstone = '# Owned by the template.\n"""Tombstone: moved to `database`; this name goes with v3."""\n'
    small.release(NEXT, {in_core("db.py"): tombstone, in_core("database.py"): small.read(in_core("db.py"))})
    way(service)
    text = "".join(path.read_text() for path in (service / "src/notes/core").iterdir())
    assert "db_25 = 'mine'" in text


def test_what_moved_is_told_with_the_lines_that_still_use_the_old_name(service: Path, small: Small) -> None:
    mine = service / "src" / "notes" / "features" / "mine" / "calls.py"
    write(
        mine,
        "import os\n"
        "from ...core.db import db_01\n"
        "from ...core import (\n    queue,\n    db as database,\n)\n"
        "import notes.core.db\n"
        "from ...core.db_of_mine import db\n"
        "from .db import db_02\n"
        "text = 'from notes.core.db import db_03'\n",
    )
    commit(service, "mine")
    stone = '# Owned by the template.\n"""Tombstone: moved to `core/database.py`; this name goes with 3.0."""\n'
    small.release(NEXT, {in_core("db.py"): stone, in_core("database.py"): small.read(in_core("db.py"))})
    where = "`src/notes/core/db.py` is `core/database.py`; the old name goes with 3.0; "
    lines = ", ".join(f"`src/notes/features/mine/calls.py:{number}`" for number in (2, 3, 7))
    assert f"\nMoved\n\n- {where}change the imports in {lines}\n" in run_update(service, json_=False).told
    commit(service, "updated")
    # Again as long as somebody does not follow, and at last when it is gone.
    small.release("v2.1.0", {in_core("queue.py"): "# Owned by the template.\n"})
    assert f"\nMoved\n\n- {where}change the imports in {lines}\n" in run_update(service, json_=False).told
    commit(service, "updated again")
    small.release("v3.0.0", {in_core("db.py"): None})
    gone = "`src/notes/core/db.py` is gone; change the imports in "
    assert f"\nMoved\n\n- {gone}{lines}\n" in run_update(service, "--dry-run", json_=False).told
    git(service, "rm", "--quiet", str(mine))
    commit(service, "not mine any more")
    assert "Moved" not in run_update(service, json_=False).told


def test_what_moved_and_nobody_imports_is_told_once(service: Path, small: Small) -> None:
    stone = '# Owned by the template.\n"""Tombstone: moved to `core/database.py`; this name goes with 3.0."""\n'
    small.release(NEXT, {in_core("db.py"): stone, in_core("database.py"): small.read(in_core("db.py"))})
    assert "the old name goes with 3.0; no import of it found\n" in run_update(service, json_=False).told
    commit(service, "updated")
    small.release("v2.1.0", {in_core("queue.py"): "# Owned by the template.\n"})
    assert "Moved" not in run_update(service, json_=False).told


def test_seeds_are_not_touched_edited_or_not_and_stay_deleted(way: Way, service: Path, small: Small) -> None:
    write(service / "README.md", "mine\n")
    (service / "src/notes/features/notes.py").unlink()
    write(service / "src/notes/features/mine.py", "mine\n")
    commit(service, "mine")
    seeds = "template/src/{{ package }}/features"
    small.release(NEXT, {"template/README.md": "# Next\n", f"{seeds}/notes.py": "x = 1\n", f"{seeds}/more.py": "x\n"})
    assert way(service) == []
    assert git(service, "diff", "HEAD", "--name-only") == ANSWERS


def test_a_file_that_becomes_the_owners_is_handed_over_as_it_is(way: Way, service: Path, small: Small) -> None:
    write(service / "Dockerfile", "mine\n")
    commit(service, "mine")
    now = SMALL["copier.yml"].replace("    /README.md\n", "    /README.md\n    /Dockerfile\n")
    small.release(NEXT, {"copier.yml": now, "template/Dockerfile": "FROM scratch\n"})
    assert way(service) == []
    assert (service / "Dockerfile").read_text() == "mine\n"


@pytest.mark.parametrize("deleted", [False, True])
def test_a_path_that_the_template_lets_go_of_stays(deleted: bool, way: Way, service: Path, small: Small) -> None:
    write(service / "Dockerfile", "mine\n")
    commit(service, "mine")
    now = SMALL["copier.yml"].replace('  - ".DS_Store"\n', '  - ".DS_Store"\n  - "/Dockerfile"\n')
    small.release(NEXT, {"copier.yml": now, "template/Dockerfile": None if deleted else "FROM scratch\n"})
    assert way(service) == []
    assert (service / "Dockerfile").read_text() == "mine\n"


def test_a_second_update_changes_nothing(way: Way, service: Path, small: Small) -> None:
    harden(small, "db_03")
    assert way(service) == []
    commit(service, "updated")
    assert way(service) == []
    assert git(service, "status", "--porcelain") == ""


def test_an_untracked_or_changed_file_stops_it(way: Way, service: Path, small: Small) -> None:
    harden(small, "db_03")
    for path in (service / "new.txt", core(service, "queue.py")):
        before = path.read_text() if path.exists() else None
        write(path, "mine\n")
        with pytest.raises(Exception, match=r"not committed|dirty"):
            _refused(way, service)
        if before is None:
            path.unlink()
        else:
            path.write_text(before)
    assert way(service) == []


def _refused(way: Way, service: Path) -> None:
    try:
        way(service)
    except AssertionError as error:
        raise RuntimeError(str(error)) from None


def test_a_neighbour_in_the_same_repository_may_be_in_work(way: Way, small: Small, tmp_path: Path) -> None:
    folder = tmp_path / "all" / "notes"
    render(small.folder, folder, "v1.0.0")
    write(tmp_path / "all" / "other" / "file.txt", "1\n")
    git(tmp_path / "all", "init", "--quiet")
    commit(tmp_path / "all", "first")
    write(tmp_path / "all" / "other" / "file.txt", "2\n")
    write(tmp_path / "all" / "other" / "new.txt", "new\n")
    harden(small, "db_03")
    assert way(folder) == []
    assert 'db_03 = "hardened"' in core(folder, "db.py").read_text()
    assert (tmp_path / "all" / "other" / "file.txt").read_text() == "2\n"
    assert git(tmp_path / "all", "diff", "HEAD", "--name-only").splitlines() == [
        "notes/.copier-answers.yml",
        "notes/src/notes/core/db.py",
        "other/file.txt",
    ]


def test_a_hook_of_the_owners_does_not_stop_it(way: Way, service: Path, small: Small) -> None:
    for name in ("pre-commit", "pre-merge-commit", "commit-msg"):
        hook = service / ".git" / "hooks" / name
        write(hook, "#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
    harden(small, "db_03")
    assert way(service) == []


def test_a_new_question_is_answered_by_its_default_and_recorded(way: Way, service: Path, small: Small) -> None:
    asked = SMALL["copier.yml"].replace("_exclude:", "colour:\n  type: str\n  default: red\n\n_exclude:")
    small.release(NEXT, {"copier.yml": asked, in_core("colour.py.jinja"): 'COLOUR = "{{ colour }}"\n'})
    assert way(service) == []
    assert core(service, "colour.py").read_text() == 'COLOUR = "red"\n'
    assert yaml.safe_load((service / ANSWERS).read_text())["colour"] == "red"


@pytest.mark.parametrize(
    "command",
    [["copier", "update", "--defaults", "--vcs-ref", NEXT], ["hardened", "update", "--no-check"]],
    ids=["plain", "merged"],
)
def test_a_misspelt_variable_stops_it(command: list[str], service: Path, small: Small) -> None:
    small.release(NEXT, {in_core("db.py.jinja"): "{{ pakage }}\n", in_core("db.py"): None})
    # In a process of its own: Copier leaves a folder open behind.
    done = run([sys.executable, "-m", *command], service)
    assert done.returncode == 1
    assert "pakage" in done.stderr
    git(service, "reset", "--quiet", "--hard")
    assert core(service, "db.py").read_text() == numbered("db")


# Only the service's own: what `copier update` loses


def test_repeated_blocks_are_told_apart(service: Path, small: Small) -> None:
    # Failure: `copier update` writes the edit into the first block that looks alike, without a word.
    block = "def check():\n    return True\n\n\n"
    small.release("v1.1.0", {in_core("blocks.py"): block * 6})
    update(service, "v1.1.0")
    commit(service, "1.1")
    mine = block * 4 + block.replace("True", "'mine'") + block
    write(core(service, "blocks.py"), mine)
    commit(service, "mine")
    small.release(NEXT, {in_core("blocks.py"): f"{block * 2}# Two more.\n\n\n{block * 6}"})
    assert run_update(service).status == 0
    assert core(service, "blocks.py").read_text() == f"{block * 2}# Two more.\n\n\n{mine}"


def test_an_edit_follows_the_template_that_renames_its_file(service: Path, small: Small) -> None:
    edit(core(service, "db.py"), "db_25 = 25\n", "db_25 = 'mine'\n")
    commit(service, "mine")
    now = changed(small.read(in_core("db.py")), "db_03")
    small.release(NEXT, {in_core("db.py"): None, in_core("database.py"): now})
    assert run_update(service).status == 0
    text = core(service, "database.py").read_text()
    assert not core(service, "db.py").exists()
    assert {"db_25 = 'mine'" in text, 'db_03 = "hardened"' in text} == {True}


def test_hardening_follows_the_owner_who_renames_its_file(service: Path, small: Small) -> None:
    git(service, "mv", "src/notes/core/db.py", "src/notes/core/my_database.py")
    edit(core(service, "my_database.py"), "db_25 = 25\n", "db_25 = 'mine'\n")
    commit(service, "mine")
    harden(small, "db_03")
    assert run_update(service).status == 0
    text = core(service, "my_database.py").read_text()
    assert not core(service, "db.py").exists()
    assert {"db_25 = 'mine'" in text, 'db_03 = "hardened"' in text} == {True}


def test_what_the_template_deletes_and_the_owner_edited_is_a_conflict_and_stays(service: Path, small: Small) -> None:
    edit(core(service, "db.py"), "db_25 = 25\n", "db_25 = 'mine'\n")
    commit(service, "mine")
    small.release(NEXT, {in_core("db.py"): None})
    ran = run_update(service)
    assert ran.status == 1
    (conflict,) = ran.outcome["conflicts"]
    assert conflict == {
        "path": "src/notes/core/db.py",
        "cause": "the template deleted it, and you had changed it",
        "resolution": "keep yours: git add src/notes/core/db.py; let it go: git rm src/notes/core/db.py",
    }
    assert "db_25 = 'mine'" in core(service, "db.py").read_text()
    git(service, "rm", "--quiet", "src/notes/core/db.py")
    assert conflicts(service) == []


def test_what_the_owner_deleted_and_the_template_changed_is_a_conflict(service: Path, small: Small) -> None:
    core(service, "db.py").unlink()
    commit(service, "mine")
    harden(small, "db_03")
    ran = run_update(service)
    assert ran.status == 1
    (conflict,) = ran.outcome["conflicts"]
    assert conflict["cause"] == "you deleted it, and the template changed it"
    git(service, "rm", "--quiet", "src/notes/core/db.py")
    assert git(service, "diff", "HEAD", "--name-only") == ANSWERS


def test_what_the_owner_deleted_and_the_template_left_alone_stays_deleted(service: Path, small: Small) -> None:
    core(service, "queue.py").unlink()
    commit(service, "mine")
    harden(small, "db_03")
    assert run_update(service).status == 0
    assert not core(service, "queue.py").exists()


def test_what_git_ignores_is_out_of_reach(service: Path, small: Small) -> None:
    edit(service / ".gitignore", "this line.\n", "this line.\nlocal.yaml\n/deploy/\n")
    commit(service, "mine")
    mine = {".env": "SECRET=1\n", "local.yaml": "mine\n", "deploy/mine.yaml": "mine\n", "var/service.db": "rows\n"}
    for name, text in mine.items():
        write(service / name, text)
    small.release(NEXT, {f"template/{name}": "the template's\n" for name in (".env", "local.yaml", "deploy/mine.yaml")})
    ran = run_update(service)
    assert ran.status == 0
    assert ran.outcome["ignored"] == [".env", "deploy/mine.yaml", "local.yaml"]
    assert {name: (service / name).read_text() for name in mine} == mine
    assert git(service, "diff", "HEAD", "--name-only") == ANSWERS
    git(service, "reset", "--merge")
    assert {name: (service / name).read_text() for name in mine} == mine


def test_new_questions_take_what_is_given_and_old_ones_do_not(service: Path, small: Small) -> None:
    asked = SMALL["copier.yml"].replace(
        "_exclude:", "colour:\n  type: str\n  help: Which?\n  default: red\n\n_exclude:"
    )
    small.release(NEXT, {"copier.yml": asked, in_core("colour.py.jinja"): 'COLOUR = "{{ colour }}"\n'})
    before = state(service)
    assert "it asks package, description, colour" in run_update(service, "--data", "size=3").told
    assert "package is 'notes' already" in run_update(service, "--data", "package=other").told
    assert state(service) == before
    ran = run_update(service, "--data", "colour=blue")
    assert ran.outcome["questions"] == {"colour": "'blue' (Which?)"}
    assert core(service, "colour.py").read_text() == 'COLOUR = "blue"\n'


def test_an_answer_that_is_none_any_more_is_told(service: Path, small: Small) -> None:
    asked = SMALL["copier.yml"].replace("description:\n  type: str\n  default: Notes.\n\n", "")
    small.release(NEXT, {"copier.yml": asked})
    assert run_update(service).outcome["questions"] == {"description": "is asked no more; it was 'Notes.'"}


def test_both_ways_in_turns(service: Path, small: Small, tmp_path: Path) -> None:
    edit(core(service, "queue.py"), "queue_25 = 25\n", "queue_25 = 'mine'\n")
    commit(service, "mine")
    for number, (line, by) in enumerate(
        [("db_03", "own"), ("db_08", "plain"), ("db_13", "own"), ("db_18", "plain")], 2
    ):
        small.release(f"v{number}.0.0", {in_core("db.py"): changed(small.read(in_core("db.py")), line)})
        if by == "own":
            assert run_update(service).status == 0
        else:
            update(service, f"v{number}.0.0")
            assert conflicts(service) == []
        assert git(service, "status", "--porcelain") != ""
        commit(service, f"updated to {number}")
    fresh = files(render(small.folder, tmp_path / "fresh", "v5.0.0"))
    after = files(service)
    assert {name for name in fresh if fresh[name] != after[name]} == {"src/notes/core/queue.py"}
    assert yaml.safe_load(after[ANSWERS])["_src_path"] == str(small.folder)


def test_a_dry_run_shows_the_same_and_changes_nothing_at_all(service: Path, small: Small) -> None:
    edit(core(service, "db.py"), "db_03 = 3\n", "db_03 = 'mine'\n")
    write(service / ".env", "SECRET=1\n")
    commit(service, "mine")
    small.release(NEXT, {in_core("db.py"): changed(numbered("db"), "db_03"), in_core("new.py"): numbered("new")})
    before = state(service)
    shown = run_update(service, "--dry-run")
    assert state(service) == before
    done = run_update(service)
    assert (shown.status, done.status) == (1, 1)
    assert shown.outcome.pop("state") == "would conflict"
    assert {**shown.outcome, "state": ""} == {**done.outcome, "state": ""}
    assert done.outcome["files"] == [
        ["changed", ANSWERS],
        ["changed", "src/notes/core/db.py"],
        ["new", "src/notes/core/new.py"],
    ]


def test_one_command_undoes_it_conflicts_included(service: Path, small: Small) -> None:
    edit(core(service, "db.py"), "db_03 = 3\n", "db_03 = 'mine'\n")
    core(service, "queue.py").unlink()
    commit(service, "mine")
    before = files(service)
    small.release(
        NEXT,
        {
            in_core("db.py"): changed(numbered("db"), "db_03"),
            in_core("queue.py"): changed(numbered("queue"), "queue_03"),
            in_core("new.py"): numbered("new"),
            "template/Dockerfile": None,
        },
    )
    ran = run_update(service, json_=False)
    assert ran.status == 1
    assert files(service) != before
    (undo,) = [line.partition("Undo all of it: ")[2] for line in ran.told.splitlines() if "Undo" in line]
    # What the owner has begun to settle goes with it.
    core(service, "db.py").write_text("half settled\n")
    assert run(undo.split(), service).returncode == 0
    assert files(service) == before
    assert git(service, "status", "--porcelain") == ""


def test_the_summary_says_what_arrived_and_what_to_decide(service: Path, small: Small) -> None:
    edit(core(service, "queue.py"), "queue_03 = 3\n", "queue_03 = 'mine'\n")
    write(service / "uv.lock", "version = 1\n")
    commit(service, "mine")
    log = "# Changelog\n\n## [2.0.0] - 2026-11-25\n\n### Arrives by itself\n\n- A.\n\n### Will ask you\n\n- B.\n\n"
    small.release("v1.5.0", {"template/README.md": "# New\n"})
    small.release(
        NEXT,
        {
            "src/hardened/rules/jb/jb002.py": 'class JB002:\n    """Lost jobs.\n\n    More.\n    """\n',
            in_core("queue.py"): changed(numbered("queue"), "queue_03"),
            PROJECT: SMALL[PROJECT].replace("2.1", "2.2"),
            "CHANGELOG.md": f"{log}### May fail your checks (and how to answer)\n\n- C.\n\n## [1.0.0] - x\n\n- D.\n",
        },
    )
    assert run_update(service, json_=False).told == (
        "notes: template v1.0.0 -> v2.0.0 (2 releases: v1.5.0, v2.0.0)\n"
        "Files: 3 changed. Conflicts: 1.\n\n"
        "Conflicts\n\n"
        "- `src/notes/core/queue.py`: both sides changed the same lines; choose between the marks, "
        "then git add src/notes/core/queue.py\n\n"
        "New rules\n\n- JB002: Lost jobs.\n\n"
        "Check: not asked: --no-check\n\n"
        "Will ask you, v2.0.0:\n\n- B.\n\n"
        "May fail your checks (and how to answer), v2.0.0:\n\n- C.\n\n"
        "Yours, so not touched; new services have it otherwise\n\n- `README.md`\n\n"
        "Files\n\n- changed: `.copier-answers.yml`\n- changed: `pyproject.toml`\n"
        "- changed: `src/notes/core/queue.py`\n\n"
        "Next: settle each conflict as it says, run nox, git commit. Undo all of it: git reset --merge\n"
    )
    git(service, "reset", "--merge")
    git(service, "checkout", "--quiet", "HEAD~1", "--", "src")
    commit(service, "not mine any more")
    assert "(git diff --cached); uv lock; git add uv.lock; nox; git commit" in run_update(service, json_=False).told


def test_windows_line_endings_stay_and_conflict_with_nothing(service: Path, small: Small) -> None:
    for path in (core(service, "db.py"), service / "pyproject.toml"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    edit_at = core(service, "db.py")
    edit_at.write_bytes(edit_at.read_bytes().replace(b"db_25 = 25\r\n", b"db_25 = 'mine'\r\n"))
    git(service, "config", "core.autocrlf", "false")
    commit(service, "mine")
    harden(small, "db_03")
    ran = run_update(service)
    assert (ran.status, ran.conflicts) == (0, [])
    content = core(service, "db.py").read_bytes()
    assert {b'db_03 = "hardened"\r\n' in content, b"db_25 = 'mine'\r\n" in content} == {True}
    assert content.count(b"\n") == content.count(b"\r\n")


def test_a_shallow_clone_of_the_service_is_updated_like_any_other(service: Path, small: Small, tmp_path: Path) -> None:
    edit(core(service, "db.py"), "db_25 = 25\n", "db_25 = 'mine'\n")
    commit(service, "mine")
    harden(small, "db_03")
    git(tmp_path, "clone", "--quiet", "--depth=1", service.as_uri(), "shallow")
    assert run_update(tmp_path / "shallow").status == 0
    text = core(tmp_path / "shallow", "db.py").read_text()
    assert {"db_25 = 'mine'" in text, 'db_03 = "hardened"' in text} == {True}


def test_the_template_may_have_moved(service: Path, small: Small) -> None:
    small.folder.rename(small.folder.with_name("elsewhere"))
    moved = Small(small.folder.with_name("elsewhere"))
    harden(moved, "db_03")
    assert run_update(service).status == 1
    assert run_update(service, "--template", str(moved.folder)).status == 0
    assert yaml.safe_load((service / ANSWERS).read_text())["_src_path"] == str(moved.folder)
    git(service, "reset", "--merge")
    # From a clone, and nothing of it is written down.
    assert run_update(service, "--source", str(moved.folder)).status == 0
    assert yaml.safe_load((service / ANSWERS).read_text())["_src_path"] == str(small.folder)


def test_releases_are_known_without_their_tags(service: Path, small: Small) -> None:
    commits = {version: git(small.folder, "rev-parse", version) for version in ("v1.0.0",)}
    harden(small, "db_03")
    commits[NEXT] = git(small.folder, "rev-parse", NEXT)
    rows = "".join(f'[[release]]\nversion = "{key}"\ncommit = "{value}"\n' for key, value in commits.items())
    write(small.folder / "releases.toml", rows)
    commit(small.folder, "the list")
    git(small.folder, "tag", "--delete", *commits)
    assert run_update(service, "--check").outcome["behind"] == [NEXT]
    assert run_update(service).status == 0
    assert yaml.safe_load((service / ANSWERS).read_text())["_commit"] == NEXT


def test_check_says_by_its_status_whether_it_is_behind(service: Path, small: Small) -> None:
    assert run_update(service, "--check", json_=False).told == "notes: nothing to do, the template is at v1.0.0\n"
    harden(small, "db_03")
    write(service / "in-work.txt", "mine\n")
    ran = run_update(service, "--check", json_=False)
    assert (ran.status, ran.told) == (2, "notes: behind, template v1.0.0 -> v2.0.0 (v2.0.0)\n")
