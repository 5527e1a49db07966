# Owned by the template.
"""What a developer and CI run: `nox`, or `python3 bootstrap.py` where nox is not installed."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.needs_version = ">=2026.10.20"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.error_on_external_run = True
nox.options.sessions = ["lint", "types", "tests", "check"]

PROJECT = nox.project.load_toml("pyproject.toml")
TOOL = "HARDENED_TOOL"
"""The variable that names another tool than the template's: a requirement, or the path of a checkout."""


def _sync(session: nox.Session, *groups: str) -> None:
    """Bring the session's environment to what pyproject.toml says, and to uv.lock."""
    environment = {"UV_PROJECT_ENVIRONMENT": session.virtualenv.location}
    session.run_install("uv", "sync", "--no-default-groups", *groups, env=environment)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, known mistakes, undeclared dependencies, what may import what, and the files to deploy with."""
    _sync(session, "--group=dev")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("deptry", ".")
    session.run("lint-imports")
    session.run("hadolint", "Dockerfile")
    session.run("check-jsonschema", "--builtin-schema=vendor.compose-spec", "compose.yaml")
    session.run("compose-lint", "--fail-on=high", "compose.yaml")
    objects = (path for path in Path("deploy/kubernetes").glob("*.yaml") if path.name != "kustomization.yaml")
    session.run("kubernetes-validate", "--quiet", "--strict", *map(str, objects))


@nox.session
def types(session: nox.Session) -> None:
    """The type check, strict."""
    _sync(session, "--group=dev")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """The tests, on SQLite and on PostgreSQL, in two processes; arguments after -- go to pytest instead."""
    _sync(session, "--group=dev")
    # By file: the tests of one share a service and a database.
    session.run("pytest", *(session.posargs or ("--numprocesses=2", "--dist=loadfile")))


@nox.session
def check(session: nox.Session) -> None:
    """Known failures, looked for by name; arguments after -- go to `hardened check`."""
    _install_tool(session, _recorded_tool())
    # Beside the tool's own environment: what the service needs and what the tool needs do not have to fit.
    location = Path(session.virtualenv.location).with_name("check-service")
    session.run_install(
        "uv", "sync", "--no-default-groups", "--group=dev", env={"UV_PROJECT_ENVIRONMENT": str(location)}
    )
    python = location / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    # There, each finding stands at its line of the pull request.
    form = ["--format=github"] if os.environ.get("GITHUB_ACTIONS") else []
    session.run("hardened", "check", f"--python={python}", *form, *session.posargs)


@nox.session(default=False)
def update(session: nox.Session) -> None:
    """Take what the template has learned since; -- --dry-run shows it, -- --check ends with 2 when there is something."""
    _install_tool(session, _newest_tool(), "--refresh-package=hardened-fastapi", "--reinstall-package=hardened-fastapi")
    try:
        session.run("hardened", "update", *session.posargs)
    except CommandFailed as failed:
        # Its own status: nox makes 1 of each.
        sys.exit(failed.return_code or 1)


def _recorded_tool() -> str:
    """The requirement of the tool of the template's version that this service has."""
    commit = _answer("_commit")
    # As `git describe` writes a commit between two releases.
    described = re.search(r"-\d+-g([0-9a-f]+)$", commit)
    return os.environ.get(TOOL) or f"{_newest_tool()}@{described[1] if described else commit}"


def _newest_tool() -> str:
    """The requirement of the newest tool that the template has."""
    address = _answer("_src_path").removeprefix("git+")
    for short, long in (("gh:", "https://github.com/"), ("gl:", "https://gitlab.com/")):
        if address.startswith(short):
            address = f"{long}{address.removeprefix(short).removesuffix('.git')}.git"
    if "://" not in address:
        host = re.fullmatch(r"([\w.-]+@[\w.-]+):(.+)", address)
        address = f"ssh://{host[1]}/{host[2]}" if host else Path(address).expanduser().resolve().as_uri()
    return os.environ.get(TOOL) or f"hardened-fastapi @ git+{address}"


def _answer(key: str) -> str:
    found = re.search(rf"^{key}: *(.+?) *$", Path(".copier-answers.yml").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1].strip("'\"") if found else ""


def _install_tool(session: nox.Session, requirement: str, *options: str) -> None:
    """Install `hardened` into the session's own environment; a recorded version only once, so that it works offline."""
    stamp = Path(session.virtualenv.location, "hardened.txt")
    if not (options or os.environ.get(TOOL)) and stamp.is_file() and stamp.read_text("utf-8") == requirement:
        return
    try:
        session.install(requirement, *options)
    except CommandFailed:
        session.error(
            f"the tool cannot be installed from {requirement}: make the template's repository reachable, or name another "
            f"in {TOOL} (a requirement, or the path of a checkout); no other session needs it"
        )
    stamp.write_text(requirement, encoding="utf-8")


@nox.session(default=False)
def lowest(session: nox.Session) -> None:
    """The tests, at the lowest versions that pyproject.toml allows."""
    session.run_install("uv", "pip", "install", "--resolution=lowest-direct", "--editable=.", "--group=dev")
    session.run("pytest", *session.posargs)


@nox.session(default=False)
def serve(session: nox.Session) -> None:
    """Start the service; arguments after -- go to `serve`."""
    _sync(session)
    session.run(next(iter(PROJECT["project"]["scripts"])), "serve", *session.posargs)
