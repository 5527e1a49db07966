"""A rendered service with one environment for all proofs, and copies of it that are broken and judged."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest
from hardened.report.record import sentence
from hardened.run import check
from uv import find_uv_bin

from .._template import PACKAGE
from ._interpreter import Forking

SOURCE = f"src/{PACKAGE}"
# What the person who runs the tests has set must not reach the service.
OWN = {"HOME", "PATH", "LANG", "TMPDIR", "UV_CACHE_DIR", "SSL_CERT_FILE", "XDG_CACHE_HOME", "PYENV_ROOT"}


class Spot(NamedTuple):
    """A line of a file of the service."""

    file: str
    line: int | None = None


@dataclass(frozen=True)
class Finding:
    """One thing that the tool found."""

    code: str
    spot: Spot
    message: str


@dataclass(frozen=True)
class Answer:
    """Result of one run of the tool."""

    status: int
    findings: list[Finding]
    notes: str
    not_applicable: set[str]

    @property
    def codes(self) -> set[str]:
        """The codes of what was found."""
        return {each.code for each in self.findings}


class Environment:
    """A virtual environment with all that the service and its developers need, and an interpreter of it that forks.

    Attributes:
        installed: the service as rendered, compiled.
        python: the interpreter that forks.
    """

    def __init__(self, service: Path, folder: Path) -> None:
        self.folder = folder
        self._variables = {name: value for name, value in os.environ.items() if name in OWN}
        # A copy: what is rendered is not to be changed, and uv writes a lock file.
        self.installed = installed = shutil.copytree(service, folder.with_name("installed"))
        command = [find_uv_bin(), "sync", "--quiet", "--no-default-groups", "--group=dev"]
        made = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(folder), "UV_PYTHON": sys.executable}
        subprocess.run(command, cwd=installed, env=made, check=True)
        own = folder / "bin" / "python"
        # Copies bring it along: without it, each check compiled the whole package.
        subprocess.run([str(own), "-m", "compileall", "-q", "src", "tests", "migrations"], cwd=installed, check=True)
        self._forking = Forking(own, folder.parent, PACKAGE, self.variables(), installed)
        self.python = self._forking.python

    def variables(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a process of the service."""
        path = os.pathsep.join([str(self.folder / "bin"), self._variables.get("PATH", os.defpath)])
        return {**self._variables, "PATH": path, **(more or {})}

    def close(self) -> None:
        """End the process that forks."""
        self._forking.close()


class Service:
    """A copy of the rendered service, to be broken."""

    def __init__(self, rendered: Path, root: Path, environment: Environment) -> None:
        self.root = root
        self._environment = environment
        shutil.copytree(rendered, root, ignore=shutil.ignore_patterns("uv.lock"))

    def path(self, name: str) -> Path:
        """A file; names begin at the root, or with `@/` in the package."""
        return self.root / self.name(name)

    def name(self, name: str) -> str:
        """A file's path from the root."""
        return name.replace("@/", f"{SOURCE}/")

    def read(self, name: str) -> str:
        """What is in a file."""
        return self.path(name).read_text(encoding="utf-8")

    def write(self, name: str, content: str | bytes) -> None:
        """Write a file, and the folders above it; a text's common indentation goes."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(textwrap.dedent(content).lstrip("\n"), encoding="utf-8")

    def append(self, name: str, content: str) -> None:
        """Add to the end of a file."""
        self.path(name).write_text(self.read(name) + textwrap.dedent(content), encoding="utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        """Change a text that is there exactly once."""
        text = self.read(name)
        assert text.count(old) == 1, f"{old!r} is in {name} {text.count(old)} times"
        self.path(name).write_text(text.replace(old, new), encoding="utf-8")

    def configure(self, *lines: str) -> None:
        """Add keys of the owner's to the configuration of the tool."""
        table = "[tool.hardening.yours]\n"
        self.replace("pyproject.toml", table, table + "".join(f"{line}\n" for line in lines))

    def delete(self, name: str) -> None:
        """Delete a file or folder."""
        path = self.path(name)
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def at(self, name: str, text: str, nth: int = 0) -> Spot:
        """The line of a file in which this text is, the first one unless said otherwise."""
        lines = self.read(name).splitlines()
        found = [number for number, line in enumerate(lines, 1) if text in line]
        assert len(found) > nth, f"{text!r} is in {name} {len(found)} times"
        return Spot(self.name(name), found[nth])

    def feature(self, name: str, routes: str = "", *, more: str = "", **files: str) -> None:
        """Add a feature: `routes` is its routes.py, which has a router of its name; `more` goes to Feature(...)."""
        parts = [f"routers=({name},)"] if routes else []
        parts += [more] if more else []
        imports = f"from .routes import {name}\n" if routes else ""
        extra = files.pop("init", "")
        self.write(
            f"@/features/{name}/__init__.py",
            f'"""The {name}."""\n\nfrom ...core.features import Feature\n{imports}{textwrap.dedent(extra)}\nfeature = Feature({", ".join(parts)})\n',
        )
        if routes:
            self.write(f"@/features/{name}/routes.py", routes)
        for module, content in files.items():
            self.write(f"@/features/{name}/{module}.py", content)

    def check(self, *select: str, environment: Mapping[str, str] | None = None) -> Answer:
        """Run the tool on this copy, under the environment's interpreter."""
        with pytest.MonkeyPatch.context() as patch:
            for name in set(os.environ) - OWN:
                patch.delenv(name)
            for name, value in self._environment.variables(environment).items():
                patch.setenv(name, value)
            report = check(self.root, select=select, python=str(self._environment.python))
        findings = [
            Finding(each.code, Spot(each.location.file or "", each.location.line), sentence(each))
            for each in report.findings
        ]
        blind = "".join(f"could not look: {each.code}: {each.reason}\n" for each in report.could_not_look)
        return Answer(report.status, findings, blind, {each.code for each in report.not_applicable})

    def run(self, code: str, *, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run Python code in a process of the service; the copy's package goes before the one that is installed."""
        variables = self._environment.variables({"PYTHONPATH": str(self.root / "src"), **(environment or {})})
        return subprocess.run(
            [str(self._environment.python), "-c", code],
            cwd=self.root,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self) -> str:
        """Why the service refuses to start; empty where it does not."""
        done = self.run(f"import {PACKAGE}.main")
        return "" if done.returncode == 0 else done.stderr

    def pytest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the service's own tests on this copy, in a process that has imported already what they need."""
        # What is imported before pytest looks at it is not rewritten for its messages, and nobody needs them there.
        options = ["-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning", *arguments]
        done = self.run(f"import sys, pytest; sys.exit(int(pytest.main({options!r})))")
        return subprocess.CompletedProcess(options, done.returncode, done.stdout + done.stderr)

    def command(self, *words: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment on this copy."""
        # The copy's package goes before the one that is installed in the environment.
        variables = self._environment.variables({"PYTHONPATH": str(self.root / "src"), **(environment or {})})
        path = self._environment.folder / "bin" / words[0]
        return subprocess.run(
            [str(path), *words[1:]],
            cwd=self.root,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


def told_codes(output: str) -> set[str]:
    """The codes that pytest's summary names."""
    return set(re.findall(r"^([A-Z]{2}\d{3}) is back:", output, re.MULTILINE))
