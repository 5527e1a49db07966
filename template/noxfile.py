# Owned by the template.
"""What a developer and CI run: `nox`, or `python3 bootstrap.py` where nox is not installed."""

from __future__ import annotations

import os
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
    """The guards: each known failure, looked for by name."""
    _sync(session, "--group=dev")
    # There, each finding stands at its line of the pull request.
    shown = ["--format=github"] if os.environ.get("GITHUB_ACTIONS") else []
    package = PROJECT["tool"]["hardening"]["package"]
    session.run("python", "-m", f"{package}.checks", *(session.posargs or shown))


@nox.session(default=False)
def update(session: nox.Session) -> None:
    """Take what the template has learned since; -- --dry-run shows it, -- --check ends with 2 when there is something."""
    session.install(*nox.project.load_toml("tools/update.py")["dependencies"])
    try:
        session.run("python", "tools/update.py", *session.posargs)
    except CommandFailed as failed:
        # Its own status: nox makes 1 of each.
        sys.exit(failed.return_code or 1)


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
