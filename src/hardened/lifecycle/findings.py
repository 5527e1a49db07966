"""The findings in the service before and after an update, looked for in copies of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Collection
from pathlib import Path

from ..model import one_line
from ..report.record import sentence
from ..run import check as check_project
from .outcome import FindingsComparison, FoundRow

CONFLICTS = "after: not checked, since there are conflicts to settle first"


class NotChecked(Exception):  # noqa: N818 - a reason to report; the update goes on
    """The reason for which a copy could not be checked."""


class Checker:
    """The check of copies, under an interpreter that has what the service depends on.

    Without `python` the service's dependencies are installed into an environment in `scratch`.
    """

    def __init__(self, service: Path, scratch: Path, python: Path | None = None) -> None:
        self._service, self._scratch, self._python = service, scratch, python

    def compare(
        self, before: Callable[[], Path], after: Callable[[], Path] | None, new_rules: Collection[str]
    ) -> FindingsComparison:
        """Check both copies; `after` is None where conflicts are to be settled first.

        The findings before are those of the rules that the service had.
        """
        found: list[FoundRow] | None = None
        try:
            found = [each for each in self.check(before()) if each["code"] not in new_rules]
            if after is None:
                return FindingsComparison(found, None, CONFLICTS)
            return FindingsComparison(found, self.check(after()))
        except NotChecked as reason:
            return FindingsComparison(found, None, f"{'before' if found is None else 'after'}: {reason}")

    def check(self, folder: Path) -> list[FoundRow]:
        """Check one copy; a rule that could not look is a row too.

        Raises:
            NotChecked: the environment could not be made.
        """
        secrets = self._service / ".env"
        if secrets.is_file():
            # Why: a link, so that no secret is copied to elsewhere.
            (folder / ".env").symlink_to(secrets)
        python = self._python or self._install(folder)
        return check(folder, python)

    def _install(self, folder: Path) -> Path:
        uv = shutil.which("uv")
        if uv is None:
            raise NotChecked("uv is not here to install the service with: run `nox -s check` yourself")
        environment = self._scratch / "environment"
        command = [uv, "sync", "--quiet", "--no-default-groups", "--group=dev", f"--python={sys.executable}"]
        variables = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONHOME")}
        done = subprocess.run(
            command,
            cwd=folder,
            env={**variables, "UV_PROJECT_ENVIRONMENT": str(environment)},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["nothing was printed"])[-1]
            raise NotChecked(f"the service could not be installed: {one_line(last)}")
        return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def check(folder: Path, python: Path) -> list[FoundRow]:
    """Run every rule over a project under an interpreter; return the findings as rows."""
    report = check_project(folder, python=str(python))
    rows: list[FoundRow] = [
        {
            "code": each.code,
            "message": sentence(each),
            "file": each.location.file,
            "line": each.location.line,
        }
        for each in report.findings
    ]
    rows += [
        {"code": each.code, "message": f"could not look: {each.reason}", "file": None, "line": None}
        for each in report.could_not_look
    ]
    return rows


def accepted_findings(pyproject: str) -> list[dict[str, str]]:
    """Read the acceptances of a pyproject.toml; none where it cannot be read."""
    try:
        accepted = tomllib.loads(pyproject)["tool"]["hardening"]["accepted"]
        return [{key: str(value) for key, value in each.items()} for each in accepted]
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError):
        return []
