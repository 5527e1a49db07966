"""The worked example of docs/rules.md, carried out on a copy of the tool."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```\w+ (?P<path>\S+)\n(?P<content>.*?)^```$", re.MULTILINE | re.DOTALL)
TEST = "tests/tool/rules/test_rt012.py"


def run(folder: Path, *arguments: str) -> str:
    """Run a module of Python on the copy; returns what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rule_of_the_documentation_is_found_explained_and_passes_its_tests(tmp_path: Path) -> None:
    no_caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src" / "hardened", tmp_path / "src" / "hardened", ignore=no_caches)
    (tmp_path / "tests" / "tool" / "rules").mkdir(parents=True)
    for name in ("__init__.py", "test_run.py", "rules/__init__.py"):
        shutil.copy(ROOT / "tests" / "tool" / name, tmp_path / "tests" / "tool" / name)
    written = []
    for block in BLOCK.finditer((ROOT / "docs" / "rules.md").read_text(encoding="utf-8")):
        (tmp_path / block["path"]).write_text(block["content"], encoding="utf-8")
        written.append(block["path"])
    assert written == ["src/hardened/rules/rt/rt012.py", "src/hardened/rules/rt/rt012.md", TEST]

    run(tmp_path, "ruff", "check", "--config", str(ROOT / "ruff.toml"), written[0], TEST)
    run(tmp_path, "ruff", "format", "--check", "--config", str(ROOT / "ruff.toml"), written[0], TEST)
    run(tmp_path, "pytest", "-q", "-k", "rt012 or RT012 or registered", TEST, "tests/tool/test_run.py")
    assert run(tmp_path, "hardened", "explain", "RT012").startswith("# RT012: a link changes data")
