"""bootstrap.py: nox for those who have none, and one clear line for those who cannot."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ._template import ROOT

BOOTSTRAP = ROOT / "template" / "bootstrap.py"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with bootstrap.py, a noxfile, and an environment that looks installed and only says what it is asked."""
    shutil.copy(BOOTSTRAP, tmp_path)
    (tmp_path / "noxfile.py").write_text("", encoding="utf-8")
    return tmp_path


def run(project: Path, *arguments: str, code: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run bootstrap.py, after `code` in the same process."""
    script = f"import runpy, sys\nsys.argv = ['bootstrap.py', *{list(arguments)!r}]\n{code}\n"
    script += f"runpy.run_path({str(project / 'bootstrap.py')!r}, run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=project,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def pretend(project: Path, status: int) -> Path:
    """Make pip install a nox and a uv that only write down how they were called, and end with this status."""
    wheels = project / "fake"
    for name in ("nox", "uv"):
        (wheels / name).mkdir(parents=True)
        (wheels / name / "__init__.py").write_text("", encoding="utf-8")
    (wheels / "nox" / "__main__.py").write_text(
        "import json, os, pathlib, sys\n"
        "called = {'arguments': sys.argv[1:], 'path': os.environ['PATH'].split(os.pathsep)[0], 'prefix': sys.prefix}\n"
        "pathlib.Path('called.json').write_text(json.dumps(called))\n"
        f"sys.exit({status})\n",
        encoding="utf-8",
    )
    return wheels


# Installs the pretended packages where pip would, without a network.
FAKE_PIP = """
import pathlib, shutil, subprocess, venv
venv.EnvBuilder._setup_pip = lambda *arguments: None
real = subprocess.call
def call(command, **options):
    if 'install' not in command:
        return real(command, **options)
    print('pip', *command[command.index('install'):], flush=True)
    where, = pathlib.Path('.nox/bootstrap').glob('[lL]ib/**/site-packages')
    shutil.copytree('fake', where, dirs_exist_ok=True)
    return 0
subprocess.call = call
"""


@pytest.mark.parametrize("status", [0, 1, 3])
def test_it_installs_nox_and_uv_beside_the_noxfile_and_gives_back_the_status(status: int, project: Path) -> None:
    pretend(project, status)
    done = run(project, "-s", "lint", "--", "-x", code=FAKE_PIP)
    assert done.returncode == status, done.stderr
    assert "bootstrap: installing nox and uv into .nox/bootstrap" in done.stderr
    assert "nox>=" in done.stdout
    assert "uv>=" in done.stdout
    called = json.loads((project / "called.json").read_text(encoding="utf-8"))
    home = project / ".nox" / "bootstrap"
    assert called["arguments"] == ["--noxfile", str(project / "noxfile.py"), "-s", "lint", "--", "-x"]
    assert Path(called["prefix"]) == home
    assert Path(called["path"]).parent == home


def test_the_second_time_it_installs_nothing(project: Path) -> None:
    pretend(project, 0)
    run(project, code=FAKE_PIP)
    again = run(project, code=FAKE_PIP)
    assert again.returncode == 0
    assert "installing" not in again.stderr


def test_it_installs_again_when_the_environment_does_not_run(project: Path) -> None:
    pretend(project, 0)
    run(project, code=FAKE_PIP)
    for broken in (project / ".nox" / "bootstrap").glob("[lL]ib/**/site-packages/nox"):
        shutil.rmtree(broken)
    again = run(project, code=FAKE_PIP)
    assert "installing" in again.stderr
    assert again.returncode == 0


def test_it_belongs_to_the_folder_it_stands_in_though_it_is_a_link(project: Path, tmp_path: Path) -> None:
    pretend(project, 0)
    (project / "inner").mkdir()
    (project / "bootstrap.py").rename(project / "inner" / "bootstrap.py")
    (project / "bootstrap.py").symlink_to("inner/bootstrap.py")
    assert run(project, code=FAKE_PIP).returncode == 0
    called = json.loads((project / "called.json").read_text(encoding="utf-8"))
    assert called["arguments"] == ["--noxfile", str(project / "noxfile.py")]


def test_an_old_python_is_refused_in_one_line(project: Path) -> None:
    done = run(project, code="sys.version_info = (3, 10, 4, 'final', 0)")
    assert done.returncode == 2
    assert done.stderr == ("bootstrap: this is Python 3.10.4 and 3.11 or newer is needed: run it with python3.11\n")
    assert not (project / ".nox").exists()


def test_a_python_that_can_install_nothing_is_told_what_to_add(project: Path) -> None:
    code = "import importlib.metadata, importlib.util\nimportlib.util.find_spec = lambda name: None\n"
    code += "importlib.metadata.version = lambda name: '21.2.4'"
    done = run(project, code=code)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("install the package python3-venv or python3-pip of your system")


def test_it_says_so_when_pip_fails(project: Path) -> None:
    done = run(project, "-l", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(project / "nothing"), PIP_CONFIG_FILE=os.devnull)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("bootstrap: pip could not install nox>=")


def test_an_old_python_can_read_it() -> None:
    source = BOOTSTRAP.read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 5))
    # Not seen by the parser's feature version.
    assert not any(isinstance(node, ast.JoinedStr | ast.NamedExpr) for node in ast.walk(ast.parse(source)))
