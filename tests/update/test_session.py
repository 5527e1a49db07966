"""The session and the scheduled workflow, as an owner and GitHub run them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from .._template import NOW, ROOT, commit, conflicts, files, git, owned_by_git, render
from ..test_releases import releases
from ._tool import HARDENED, Small, changed, core, executable, in_core, numbered, run, run_update, write

NEXT = "v999.1.0"
WORKFLOW = ROOT / "template" / ".github" / "workflows" / "update.yml"


@pytest.mark.slow
def test_the_session_passes_on_options_and_status(own_template: Path, tmp_path: Path) -> None:
    folder = owned_by_git(render(own_template, tmp_path / "service"))
    own = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "NOX_DEFAULT_VENV_BACKEND": "uv",
    }

    def session(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run([sys.executable, "bootstrap.py", "-s", "update", "--", *arguments], folder, **own)

    looked = session("--check")
    assert (looked.returncode, "nothing to do" in looked.stdout) == (0, True), looked.stderr
    write(own_template / "template" / "Dockerfile.jinja", "FROM scratch\n")
    commit(own_template, "next", NEXT)
    before = files(folder / "src")
    looked = session("--check")
    assert (looked.returncode, f"behind, template {NOW} -> {NEXT}" in looked.stdout) == (2, True), looked.stderr
    shown = session("--dry-run", "--no-check")
    assert shown.returncode == 0, shown.stderr
    assert "- changed: `Dockerfile`" in shown.stdout
    assert git(folder, "status", "--porcelain") == ""
    assert session("--no-check").returncode == 0
    assert (folder / "Dockerfile").read_text() == "FROM scratch\n"
    assert files(folder / "src") == before
    git(folder, "reset", "--merge")
    write(folder / "Dockerfile", "FROM mine\n")
    commit(folder, "mine")
    assert session("--no-check").returncode == 1
    assert conflicts(folder) == ["Dockerfile"]


class Hosted:
    """A service on a server of git, and a clone of it in which the workflow's scripts run."""

    def __init__(self, small: Small, folder: Path) -> None:
        service = small.service(folder / "notes")
        self.server = folder / "server.git"
        git(folder, "clone", "--quiet", "--bare", str(service), str(self.server))
        self.clone = folder / "clone"
        git(folder, "clone", "--quiet", "--depth=1", self.server.as_uri(), str(self.clone))
        self.asked = folder / "gh.txt"
        tools = folder / "bin"
        arguments = '[ "$1 $2 $3 $4" = "bootstrap.py -s update --" ] || exit 70; shift 4'
        write(tools / "python", f'#!/bin/sh\n{arguments}\nexec {sys.executable} -m hardened update --no-check "$@"\n')
        write(tools / "gh", f'#!/bin/sh\nprintf "%s\\n" "$@" > {self.asked}\n')
        for each in tools.iterdir():
            each.chmod(0o755)
        self.output, self.summary = folder / "output", folder / "summary.md"
        self.own = {
            "PATH": os.pathsep.join([str(tools), os.environ["PATH"]]),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "RUNNER_TEMP": str(folder),
        }

    def work(self) -> int:
        """Run the workflow's steps as GitHub would; the status of the last one that ran."""
        self.output.write_text("")
        (job,) = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"].values()
        for step in job["steps"]:
            if "run" not in step:
                continue
            if "if" in step:
                assert step["if"] == "steps.look.outputs.behind == 'true'"
                if self.output.read_text() != "behind=true\n":
                    continue
            done = run([executable("bash"), "-e", "-c", step["run"]], self.clone, **self.own)
            if done.returncode:
                return done.returncode
        return 0

    def branches(self) -> list[str]:
        """What is on the server."""
        return git(self.server, "branch", "--format=%(refname:short)").split()


@pytest.fixture
def hosted(small: Small, tmp_path: Path) -> Hosted:
    """A service of the first release."""
    return Hosted(small, tmp_path)


def test_the_workflow_does_nothing_where_there_is_nothing(hosted: Hosted) -> None:
    assert hosted.work() == 0
    assert (hosted.branches(), hosted.asked.exists()) == (["main"], False)


def test_the_workflow_opens_the_update_once(hosted: Hosted, small: Small) -> None:
    small.release("v2.0.0", {in_core("db.py"): changed(numbered("db"), "db_03")})
    assert hosted.work() == 0
    assert hosted.branches() == ["main", "template-v2.0.0"]
    assert git(hosted.server, "diff", "--name-only", "main", "template-v2.0.0").splitlines() == [
        ".copier-answers.yml",
        "src/notes/core/db.py",
    ]
    words = hosted.asked.read_text().splitlines()
    assert words[:4] == ["pr", "create", "--title", "Template v2.0.0"]
    assert words[-2:] == ["--head", "template-v2.0.0"]
    assert "template v1.0.0 -> v2.0.0" in Path(words[words.index("--body-file") + 1]).read_text()
    # A week later nobody has looked at it: what is on the branch is left alone.
    hosted.asked.unlink()
    tip = git(hosted.server, "rev-parse", "template-v2.0.0")
    shutil.rmtree(hosted.clone)
    git(hosted.clone.parent, "clone", "--quiet", "--depth=1", hosted.server.as_uri(), str(hosted.clone))
    assert hosted.work() == 0
    assert (git(hosted.server, "rev-parse", "template-v2.0.0"), hosted.asked.exists()) == (tip, False)


def test_the_workflow_fails_on_a_conflict_and_says_what_to_decide(hosted: Hosted, small: Small) -> None:
    small.release("v2.0.0", {in_core("db.py"): changed(numbered("db"), "db_03")})
    write(core(hosted.clone, "db.py"), numbered("db").replace("db_03 = 3", "db_03 = 'mine'"))
    commit(hosted.clone, "mine")
    assert hosted.work() == 1
    assert hosted.branches() == ["main"]
    assert "both sides changed the same lines" in hosted.summary.read_text()


def test_the_workflow_fails_where_it_cannot_look(hosted: Hosted, small: Small) -> None:
    small.folder.rename(small.folder.with_name("elsewhere"))
    assert hosted.work() == 1


def test_a_service_without_the_session_is_updated_by_the_tool_itself(own_template: Path, tmp_path: Path) -> None:
    """As docs/update.md says of v0.1.0 and v0.2.0."""
    first, *_ = releases(ROOT / "releases.toml")
    first.tag(own_template)
    folder = owned_by_git(render(own_template, tmp_path / "service", first.version))
    assert not (folder / "tools").exists()
    done = run([*HARDENED, "update", str(folder), "--no-check", "--source", str(own_template)], tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (folder / "tools").exists()
    commit(folder, "updated")
    outcome: dict[str, Any] = run_update(folder).outcome
    assert outcome["state"] == "current"
