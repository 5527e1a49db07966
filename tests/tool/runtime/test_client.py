"""The tool's side of the probe: the interpreter that it takes, and what it makes of one that does not answer."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from hardened.config.table import Config
from hardened.model import CouldNotLook, DoesNotApply
from hardened.project import Project
from hardened.runtime import client
from hardened.runtime.interpreter import Interpreter, find_interpreter

from ._project import probe, write

OLDEST = sorted(Path.home().glob(".pyenv/versions/3.[678].*/bin/python")) + sorted(
    Path.home().glob(".pyenv/versions/2.*/bin/python")
)


def environment(folder: Path) -> Path:
    """Make a folder that looks like a virtual environment, and return its interpreter."""
    write(folder, {"pyvenv.cfg": "", "bin/python": ""})
    return folder / "bin/python"


def executable(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_the_project_s_own_environment_is_taken(tmp_path: Path) -> None:
    python = environment(tmp_path / ".venv")
    environment(tmp_path / "venv")
    active = environment(tmp_path / "other")
    found = find_interpreter(Config(tmp_path), environment={"VIRTUAL_ENV": str(tmp_path / "other")})
    assert found == Interpreter(str(python), ".venv")
    environment(tmp_path / "uv")
    found = find_interpreter(Config(tmp_path), environment={"UV_PROJECT_ENVIRONMENT": "uv"})
    assert found == Interpreter(str(tmp_path / "uv/bin/python"), "UV_PROJECT_ENVIRONMENT")
    empty = tmp_path / "empty"
    write(empty, {".venv/lib/x.py": ""})  # a folder of that name that is none
    found = find_interpreter(Config(empty), environment={"VIRTUAL_ENV": str(tmp_path / "other")})
    assert found == Interpreter(str(active), "VIRTUAL_ENV")


def test_an_environment_whose_interpreter_is_gone_is_named(tmp_path: Path) -> None:
    python = environment(tmp_path / ".venv")
    python.unlink()
    python.symlink_to(tmp_path / "gone")
    with pytest.raises(CouldNotLook, match=r"^\.venv has no interpreter that is there: .*; make the environment anew"):
        find_interpreter(Config(tmp_path), environment={})


def test_an_interpreter_is_named_by_file_environment_or_command(tmp_path: Path) -> None:
    python = environment(tmp_path / "made")
    config = Config(tmp_path)
    assert find_interpreter(config, "made").path == str(python)
    assert find_interpreter(config, "made/bin/python").path == str(python)
    assert find_interpreter(config, "sh").path.endswith("/sh")
    with pytest.raises(CouldNotLook, match="--python nowhere is no file, no environment and no command"):
        find_interpreter(config, "nowhere")


def test_uv_and_poetry_are_asked_where_the_project_uses_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = tmp_path / "commands"
    commands.mkdir()
    monkeypatch.setenv("PATH", str(commands), prepend=":")
    kept, plain = environment(tmp_path / "kept"), tmp_path / "plain/bin/python"
    write(tmp_path, {"plain/bin/python": ""})
    executable(commands / "uv", f"echo {plain}")  # no environment: any Python
    executable(commands / "poetry", f"echo warning; echo {kept}")
    write(tmp_path / "project", {"pyproject.toml": "[tool.uv]\n[tool.poetry]\n"})
    found = find_interpreter(Config(tmp_path / "project"), environment={})
    assert found == Interpreter(str(kept), "poetry env info --executable")
    write(tmp_path / "other", {"pyproject.toml": "tool = 1\n"})
    found = find_interpreter(Config(tmp_path / "other"), environment={"VIRTUAL_ENV": sys.prefix})
    assert found.path == sys.executable
    assert found.doubt


def test_the_tool_s_own_interpreter_blames_no_module_for_what_is_not_installed_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    files = {"main.py": "import no_such_distribution\n", "a.py": "from . import gone\n"}
    answer = probe(tmp_path, files, python="", application="shop.main:app")
    assert [each.module for each in answer.failures] == ["shop.a"]
    [doubt] = answer.doubts
    assert doubt.startswith("no environment of the project was found")
    assert doubt.endswith("or name its interpreter with --python; not installed there: no_such_distribution")
    assert "name its interpreter with --python" in answer.missing["application"]


def test_a_probe_that_failed_is_asked_once_and_is_a_doubt_to_rules_that_read_source_too(tmp_path: Path) -> None:
    write(tmp_path, {"src/shop/__init__.py": ""})
    python = executable(tmp_path / "python", f"echo started >> {tmp_path / 'starts'}; exit 3")
    project = Project(Config(tmp_path.resolve(), package="shop"), python=python)
    assert project.fact("failures") == ()
    assert project.fact("attempts") == ()
    for name in ("tables", "routes", "celery"):
        with pytest.raises(CouldNotLook, match="cannot run the probe: exit status 3"):
            project.fact(name)
    assert set(project.doubts) == {"failures", "attempts"}
    assert (tmp_path / "starts").read_text() == "started\n"


REFUSED = {
    "garbage": ("echo hello; echo 'no such option' >&2", "no such option"),
    "silence": ("exit 0", "it ended without an answer"),
    "a status": ("exit 3", "exit status 3"),
    "a signal": ("kill -9 $$", "it was killed by SIGKILL"),
    "too late": ("sleep 60", "it was ended after 1 s"),
}


@pytest.mark.parametrize(("script", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_python_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    monkeypatch.setattr(client, "_GRACE", 1.0)
    python = executable(tmp_path / "python", script)
    with pytest.raises(CouldNotLook) as raised:
        probe(tmp_path, {}, python=python, seconds=0)
    assert str(raised.value) == (
        f"{python} (--python) cannot run the probe: {reason}; name the project's Python, 3.9 or newer, with --python"
    )


def test_what_cannot_be_started_is_one_clear_line(tmp_path: Path) -> None:
    write(tmp_path, {"python": "no program"})
    with pytest.raises(CouldNotLook, match="it cannot be started: Permission denied; name the project's Python"):
        probe(tmp_path, {}, python="python")


@pytest.mark.skipif(not OLDEST, reason="there is no Python older than 3.9 here")
def test_a_python_that_is_too_old_says_which_it_is(tmp_path: Path) -> None:
    for python in {OLDEST[0], OLDEST[-1]}:
        with pytest.raises(CouldNotLook, match=rf"it is Python {python.parents[1].name}; name the project's Python"):
            probe(tmp_path, {}, python=str(python))


def test_sections_are_records_or_reasons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        tmp_path / "made",
        {
            "one.py": "def gather(world): return [1, 'a\\udc80']\n",
            "none.py": "from ._world import Absent\ndef gather(world): raise Absent('has none')\n",
            "lost.py": "def gather(world): return world.there('application')\n",
            "free.py": "import fastapi_that_is_not_there\n",
            "broken.py": "def gather(world): return {}['key']\n",
            "live.py": "def gather(world): return object()\n",
            "ended.py": "import sys\ndef gather(world): sys.exit()\n",
        },
    )
    for file in client.PROBE.glob("_*.py"):
        (tmp_path / "made" / file.name).write_bytes(file.read_bytes())
    text = (tmp_path / "made/__init__.py").read_text()
    sections = {name: name for name in ("one", "none", "lost", "free", "broken", "live", "ended")}
    text, count = re.subn(r"^(SECTIONS\b.*?= ).*?^}", rf"\1{sections!r}", text, flags=re.DOTALL | re.MULTILINE)
    assert count == 1
    (tmp_path / "made/__init__.py").write_text(text)
    monkeypatch.setattr(client, "PROBE", tmp_path / "made")
    monkeypatch.setattr(client, "SECTIONS", sections)
    answer = probe(tmp_path, {"main.py": "import gone\n"}, application="shop.main:app")

    def reason(name: str, kind: type[Exception]) -> str:
        with pytest.raises(kind) as raised:
            answer.section(name, object)
        return str(raised.value)

    assert answer.section("one", tuple[int, str]) == (1, "a?")
    assert reason("none", DoesNotApply) == "has none"
    assert reason("lost", CouldNotLook) == (
        "the application shop.main:app cannot be imported: ModuleNotFoundError: No module named 'gone', at src/shop/main.py:1"
    )
    assert reason("broken", CouldNotLook) == "the probe failed at broken.py:1: KeyError: 'key'"
    assert "the probe failed at free.py:1: ModuleNotFoundError" in reason("free", CouldNotLook)
    assert "is no JSON" in reason("live", CouldNotLook)
    assert reason("ended", CouldNotLook) == "the probe failed at ended.py:2: SystemExit:"
    assert reason("other", CouldNotLook) == "the probe says nothing of other"


def test_the_environment_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "1")
    answer = probe(tmp_path, {"settings.py": "import os\nassert os.environ['SHOP_KEY'] == '1'\n"})
    assert answer.failures == ()
