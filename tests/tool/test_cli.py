"""The command: arguments, exit status, and one clear line for what cannot be followed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from hardened import __version__
from hardened.cli import COMMANDS, main

ROOT = Path(__file__).parents[2]
RUN = ("--no-import", "--select", "IM004")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one finding, IM004."""
    (tmp_path / "src" / "shop" / "b").mkdir(parents=True)
    (tmp_path / "src" / "shop" / "__init__.py").touch()
    (tmp_path / "src" / "shop" / "b" / "x.py").touch()
    (tmp_path / "pyproject.toml").write_text('[tool.hardening]\npackage = "shop"\n', encoding="utf-8")
    return tmp_path


def test_the_version_is_the_distributions(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"hardened {__version__}\n"


@pytest.mark.parametrize("command", list(COMMANDS))
def test_each_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert f"usage: hardened {command}" in capsys.readouterr().out


def test_findings_make_the_status_one(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(project), *RUN]) == 1
    assert capsys.readouterr().out.startswith("src/shop/b: b/ holds modules and has no __init__.py")


def test_nothing_found_is_status_zero(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "src" / "shop" / "b" / "__init__.py").touch()
    assert main(["check", str(project), *RUN]) == 0
    assert capsys.readouterr().out == "0 findings from 1 rule, 0 accepted with a reason\n"


def test_a_file_that_cannot_be_written_is_one_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        main(["update", str(project), "--summary", str(project / "none" / "summary.md")])
    assert capsys.readouterr().err.endswith(f"{project}/none/summary.md: No such file or directory\n")


def test_what_cannot_be_looked_at_is_status_two(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "pyproject.toml").write_text("[tool.hardening\n", encoding="utf-8")
    assert main(["check", str(project), *RUN, "--format", "json"]) == 2
    assert "could not look: pyproject.toml: pyproject.toml cannot be read" in capsys.readouterr().err


def test_the_project_is_found_from_below_and_from_here(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "src" / "shop")
    assert main(["check", *RUN]) == 1
    assert capsys.readouterr().out.startswith("src/shop/b: ")


def test_a_project_that_nobody_described_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").touch()
    assert main(["check", str(tmp_path), "--no-import", "--select", "IM006"]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("assumed `app`")


def test_the_report_goes_to_a_file(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = project / "report.sarif"
    assert main(["check", str(project), *RUN, "--format=sarif", f"--output={output}"]) == 1
    assert json.loads(output.read_text(encoding="utf-8"))["version"] == "2.1.0"
    assert capsys.readouterr().out == ""


def test_a_baseline_is_written_and_lets_only_new_findings_fail(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    baseline = project / "baseline.json"
    command = ["check", str(project), *RUN]
    assert main([*command, "--write-baseline", str(baseline)]) == 0
    assert "has 1 finding; from now on: hardened check --baseline" in capsys.readouterr().out
    assert main([*command, "--baseline", str(baseline)]) == 0
    assert "0 findings from 1 rule, 1 in the baseline" in capsys.readouterr().out
    (project / "src" / "shop" / "c").mkdir()
    (project / "src" / "shop" / "c" / "x.py").touch()
    assert main([*command, "--baseline", str(baseline)]) == 1
    assert main([*command, "--baseline", str(baseline), "--write-baseline", str(baseline)]) == 0
    assert "has 2 findings" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["chekc"], "invalid choice: 'chekc'"),
        (["--select", "RT"], "COMMAND"),
        (["check", "no-such-folder"], "no-such-folder is no folder; name the project's folder"),
        (["check", "--select", "RT1"], "'RT1' is no rule; "),
        (["check", "--select", ""], "'' is no rule; "),
        (["check", "--format", "xml"], "invalid choice: 'xml'"),
        (["check", "--baseline", "no-such-file"], "no-such-file cannot be read: No such file"),
        (["check", *RUN, "--output", "no/such/file"], "no/such/file cannot be written: No such file"),
        (["check", *RUN, "--write-baseline", "no/such/file"], "no/such/file cannot be written: No such file"),
        (["explain"], "the following arguments are required: CODE"),
        (["explain", ","], "'' is no code; "),
        (["explain", "db5"], "'db5' is no code; "),
    ],
)
def test_what_cannot_be_followed_is_status_two_and_one_line(
    project: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(project)
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.match(r"hardened( \w+)?: error: ", last)
    assert message in last


@pytest.mark.parametrize("codes", [["DB005"], ["DB005,", "IM003"], ["DB005,IM003"]])
def test_explain_prints_pages(codes: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", *codes]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# DB005: ")
    assert ("# IM003: " in printed) == ("IM003" in "".join(codes))


def test_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules"]) == 0
    assert re.search(r"^RT001  Two handlers answer the same request", capsys.readouterr().out, re.MULTILINE)


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    command = f"{sys.executable} -m hardened rules | head -1 > /dev/null; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], env={"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


def test_a_supervisor_ends_it_with_its_probe_and_without_leftovers(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (project / "src" / "shop" / "b" / "x.py").write_text("import time\ntime.sleep(60)\n", encoding="utf-8")
    temporary = tmp_path_factory.mktemp("temporary")
    command = [sys.executable, "-m", "hardened", "check", str(project), "--select", "IM003", "--python", sys.executable]
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        while not list(temporary.glob("*/journal")):
            time.sleep(0.05)
        process.terminate()
        assert process.wait(20) == 143
    assert list(temporary.iterdir()) == []
