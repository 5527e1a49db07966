"""`hardened update`, called in this process, and a small template that it can be tried on."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardened.cli import main

from .._template import ROOT, commit, git, owned_by_git, render

HARDENED = [sys.executable, "-m", "hardened"]


@dataclass(frozen=True)
class Ran:
    """What an update said."""

    status: int
    told: str

    @property
    def outcome(self) -> dict[str, Any]:
        """As JSON."""
        read: dict[str, Any] = json.loads(self.told)
        return read

    @property
    def conflicts(self) -> list[str]:
        """The paths in conflict."""
        return [each["path"] for each in self.outcome["conflicts"]]


def run_update(folder: Path, *arguments: str, json_: bool = True, check: bool = False) -> Ran:
    """Run the update; without asking the guards unless told to."""
    output = io.StringIO()
    options = [*arguments, *(["--format=json"] if json_ else []), *([] if check else ["--no-check"])]
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        status = main(["update", str(folder), *options])
    return Ran(status, output.getvalue())


def state(folder: Path) -> dict[str, bytes]:
    """Each file, git's own included: what must not change where nothing may."""
    # A directory of git's own that is empty, or a time in its index, is nobody's loss.
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def numbered(name: str, lines: int = 30) -> str:
    """A text of lines that all differ."""
    return "# Owned by the template.\n" + "".join(f"{name}_{number:02} = {number}\n" for number in range(lines))


ANSWERS = "template/{{ _copier_conf.answers_file }}.jinja"
CORE = "src/notes/core"
SMALL = {
    "copier.yml": """\
_min_copier_version: "9.17.2"
_subdirectory: template
_envops:
  undefined: jinja2.StrictUndefined

package:
  type: str
  default: notes

description:
  type: str
  default: Notes.

_exclude:
  - ".DS_Store"
  - |-
    {% if _copier_operation == 'update' %}
    /README.md
    /src/{{ package }}/features/**
    {% endif %}
""",
    "releases.toml": "",
    "CHANGELOG.md": "# Changelog\n",
    ANSWERS: "# Never edit it.\n{{ _copier_answers | to_nice_yaml -}}\n",
    "template/README.md": "# Notes\n",
    "template/.gitignore.jinja": ".env\nvar/\n# Yours: add below this line.\n",
    "template/Dockerfile": "FROM python:3.13\nCOPY . .\nCMD serve\n",
    "template/pyproject.toml.jinja": """\
[project]
name = "{{ package }}"
version = "0.1.0"
dependencies = [
  "sqlalchemy>=2.1",
  "alembic>=1.14",
  "fastapi>=0.165",
  # Yours: add below this line.
]

[tool.hardening]
package = "{{ package }}"
""",
    "template/src/{{ package }}/core/db.py": numbered("db"),
    "template/src/{{ package }}/core/queue.py": numbered("queue"),
    "src/hardened/rules/db/db001.py": 'class DB001:\n    """Pools that do not fit."""\n',
    "template/src/{{ package }}/features/notes.py": '"""Notes."""\n',
}


@dataclass(frozen=True)
class Small:
    """A template of a dozen files with the real one's shape, to be released again and again."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> Small:
        """Its first release."""
        folder.mkdir()
        git(folder, "init", "--quiet")
        made = cls(folder)
        made.release("v1.0.0", SMALL)
        return made

    def release(self, version: str, files: Mapping[str, str | None]) -> None:
        """Write these files, delete those that are None, commit and tag."""
        for name, content in files.items():
            path = self.folder / name
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
        commit(self.folder, version, version)

    def read(self, name: str) -> str:
        """A file of the template."""
        return (self.folder / name).read_text(encoding="utf-8")

    def service(self, folder: Path, ref: str = "v1.0.0", **answers: Any) -> Path:
        """A service of this release, committed."""
        return owned_by_git(render(self.folder, folder, ref, **answers))


def in_core(name: str) -> str:
    """A path in the small template's core."""
    return f"template/src/{{{{ package }}}}/core/{name}"


def core(service: Path, name: str) -> Path:
    """The same in the service."""
    return service / CORE / name


def write(path: Path, content: str) -> None:
    """Write, and make the folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def changed(text: str, *names: str, to: str = "hardened") -> str:
    """The text with the values of these lines changed."""
    for name in names:
        (line,) = (each for each in text.splitlines() if each.startswith(f"{name} "))
        text = text.replace(f"{line}\n", f'{name} = "{to}"\n')
    return text


def executable(name: str) -> str:
    """The path of a program."""
    found = shutil.which(name)
    assert found, f"{name} is not here"
    return found


def run(command: list[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command, whatever its status."""
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
