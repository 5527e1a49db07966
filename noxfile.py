"""What a maintainer and CI run: it renders the template and tests what comes out. `nox -l` lists the sessions."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import nox
from nox.command import CommandFailed

nox.needs_version = ">=2026.10.20"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.error_on_external_run = True

ROOT = Path(__file__).parent
BUILD = ROOT / "build"
PROJECT = nox.project.load_toml("pyproject.toml")
OLDEST = (3, 11)
BARE = "example=false"
# Questions, rendering, and the tool on facts made by hand.
QUICK_HERE = ("tests/test_questions.py", "tests/test_render.py", "tests/test_source_rules.py", "tests/tool")
# The service's main road, on SQLite, without fuzzing: what breaks most often is seen here first.
QUICK = (
    "--quiet",
    "--engine=sqlite",
    "-m",
    "not slow and not soak",
    "tests/test_jobs.py",
    "tests/test_http.py",
    "tests/features",
)
ON_SQLITE = ("--engine=sqlite",)
# By file, as the service's own session does: the tests of one share a service and a database.
IN_TWO_PROCESSES = ("--numprocesses=2", "--dist=loadfile")
# Kept when a service is rendered again: environments, for the time they take, and what somebody put into the database.
KEPT = {".nox", ".venv", ".mypy_cache", "var", ".env"}
NO_ENVIRONMENT = {"VIRTUAL_ENV": None, "UV_PROJECT_ENVIRONMENT": None}
SERVICE = {**NO_ENVIRONMENT, "HARDENED_TOOL": str(ROOT)}


@nox.session
def lint(session: nox.Session) -> None:
    """Style, known mistakes and directions of import, of the repository's own Python and of what is rendered."""
    _install(session, "lint", "render")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", env={"PYTHONPATH": "src"})
    # The last has the longest package there may be: its lines are the longest too.
    for answer in ("example=true", BARE, "service_name=Orders And Their Invoices"):
        with session.chdir(_render(session, "lint", answer)):
            session.run("ruff", "check", ".")
            session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """The type check, strict; the services' own code is checked by `service`."""
    _install(session, "types")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Questions, rendering, ownership, updates, the tool; arguments after -- go to pytest."""
    _install(session, "test")
    session.run("pytest", *(session.posargs or ("--numprocesses=2", "--ignore=tests/rules")))


@nox.session
def rules(session: nox.Session) -> None:
    """Each failure of the catalogue brought back into a rendered service; arguments after -- go to pytest."""
    _install(session, "test")
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    _try(session, lambda *options: session.run("pytest", "--quiet", *options, "tests/rules"))


@nox.session
def service(session: nox.Session) -> None:
    """The generated service's own lint, types, check, and tests but the slow ones; without the example, all but the tests."""
    _install(session, "render")
    folder = _render(session, "service")
    _nox(session, folder, "lint", "types", "check")
    _try(session, lambda *options: _nox(session, folder, "tests", "--", *options), "not slow and not soak")
    _nox(session, _render(session, "service-bare", BARE), "lint", "types", "check")


@nox.session(default=False)
def quick(session: nox.Session) -> None:
    """An answer in two minutes: lint, questions, rendering, the tool, and the service's main road on SQLite."""
    _install(session, "lint", "test")
    session.run("ruff", "check", ".")
    session.run("pytest", "--quiet", *QUICK_HERE)
    folder = _render(session, "service")
    with session.chdir(folder):
        session.run("ruff", "check", ".")
    _nox(session, folder, "tests", "--", *QUICK)


@nox.session(default=False)
def matrix(session: nox.Session) -> None:
    """The service's tests at the lowest versions, on the newest Python, without the example; -- all, -- 3.12: all of these."""
    _install(session, "render")
    pythons = {
        version: path
        for version, path in _pythons(session).items()
        if version in session.posargs or session.posargs in ([], ["all"])
    }
    if not pythons:
        session.error(f"found no Python from {OLDEST[0]}.{OLDEST[1]} on: nothing was tested")
    for version, path in pythons.items():
        session.log(f"Python {version}: {path}")
    oldest, *others = pythons
    cells: list[tuple[str, str, str, tuple[str, ...]]]
    if session.posargs:
        cells = [(version, answer, "highest", ()) for answer in ("example=true", BARE) for version in pythons]
        cells += [(oldest, answer, "lowest-direct", ()) for answer in ("example=true", BARE)]
    else:
        # Both ends of the Pythons and of the versions, and each variant once; `service` has been through the rest of the oldest.
        # Both databases where versions end: another variant differs by nothing that they see. Pythons in between: -- all.
        cells = [(oldest, "example=true", "lowest-direct", ())]
        cells += [(version, "example=true", "highest", ()) for version in others[-1:]]
        cells += [(oldest, BARE, "highest", ON_SQLITE)]
    outcomes = {}
    for version, answer, resolution, databases in cells:
        name = " ".join((f"Python {version}, {answer}, {resolution} versions", *databases))
        session.log(name)
        folder = _render(session, "matrix", answer)
        outcomes[name] = _passes(session, folder, pythons[version], resolution, databases)
    for name, passed in outcomes.items():
        session.log(f"{'passed' if passed else 'FAILED'}: {name}")
    if not all(outcomes.values()):
        session.error(f"{list(outcomes.values()).count(False)} of {len(outcomes)} failed")


@nox.session(default=False)
def soak(session: nox.Session) -> None:
    """The service's slow tests: fuzzing, and thousands of jobs while its processes, broker and database are killed."""
    _install(session, "render")
    folder = _render(session, "service")
    _try(session, lambda *options: _nox(session, folder, "tests", "--", *options), "slow or soak")


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Make a service in build/demo, start it, fill its inbox, and say what to try; Ctrl-C stops it."""
    known = (BUILD / "demo" / "var" / "service.db").is_file()
    if known:
        session.log("build/demo is there: its code is made anew, its database stays; delete the folder to start over")
    _install(session, "render")
    folder = _render(session, "demo")
    session.log("installing the service into build/demo/.venv")
    with session.chdir(folder):
        session.run_install("uv", "sync", "--no-default-groups", f"--python={sys.executable}", env=NO_ENVIRONMENT)
    command = str(folder / ".venv" / ("Scripts" if os.name == "nt" else "bin") / "inbox-demo")
    with contextlib.suppress(KeyboardInterrupt), _serving(session, command, folder) as address:
        who = "demo@example.org"
        # Ends with 1 where the user is there from the last time.
        subprocess.run([command, "create-user", who], cwd=folder, capture_output=True, check=False)
        made = subprocess.run([command, "create-key", who], cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
        key = made.stdout.split()[-1]
        if not known:
            _fill_inbox(address, key, folder)
        today = time.strftime("%Y-%m-%d")
        curl = f"curl -s -H 'Authorization: Bearer {key}'"
        body = "-H 'Content-Type: application/json' -d"
        print(
            f"""
The service runs, and its inbox holds what the packages that it is made of say of themselves.
Open {address}/console and give it the key {key} to see jobs and inbox live;
{address}/docs has every route (its page loads scripts from the network). Or try in another terminal:

1. capture a text of your own:
   {curl} {body} '{{"text": "Call the dentist on Monday."}}' {address}/ingest/raw
2. see what was made of it:
   {curl} '{address}/inbox?limit=3'
3. export the month, and download it:
   JOB=$({curl} {body} '{{"start": "{today[:8]}01", "end": "{today}"}}' {address}/exports | grep -o '[0-9a-f-]\\{{36\\}}')
   {curl} {address}/jobs/$JOB/result

Ctrl-C stops it. Its log is build/demo/var/serve.log.""",
            flush=True,
        )
        while True:
            time.sleep(3600)


@nox.session(default=False)
def render(session: nox.Session) -> None:
    """Make a service in build/service to look at, with an environment for the editor."""
    _install(session, "render")
    with session.chdir(_render(session, "service")):
        session.run_install("uv", "sync", "--group=dev", f"--python={sys.executable}", env=NO_ENVIRONMENT)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """The measurements of benchmarks/, side by side in one run; prints ratios and writes a table to docs/."""
    _install(session, "render")
    session.install("--editable", str(ROOT))
    folder = _render(session, "bench")
    with session.chdir(folder):
        session.run_install("uv", "sync", "--group=dev", f"--python={sys.executable}", env=NO_ENVIRONMENT)
    session.run("python", "benchmarks/run.py", str(folder), *session.posargs)
    session.run("python", "benchmarks/check_scale.py")


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """Refuse or allow a release, `-- v0.1.0`: the changelog has it, all is committed, the tests are green."""
    if len(session.posargs) != 1 or not re.fullmatch(r"v\d+\.\d+\.\d+", session.posargs[0]):
        session.error(f"got {' '.join(session.posargs) or 'nothing'}: name one version, such as -- v0.1.0")
    version = session.posargs[0]
    if not re.search(
        rf"^## \[{re.escape(version.removeprefix('v'))}\] - \d{{4}}-\d\d-\d\d$", _read("CHANGELOG.md"), re.M
    ):
        session.error(
            f"CHANGELOG.md has no heading '## [{version.removeprefix('v')}] - <date>': write what changes for owners"
        )
    if version in {row["version"] for row in tomllib.loads(_read("releases.toml")).get("release", [])}:
        session.error(f"releases.toml has {version} already: take the next number")
    if changes := _git("status", "--porcelain"):
        session.error(f"not committed, so not tested as it would be released:\n{changes}")
    session.run(sys.executable, "-m", "nox", "--noxfile", __file__, external=True)
    commit = _git("rev-parse", "HEAD")
    session.log(f"green. Now: git tag --annotate {version} --message {version} {commit}")
    session.log(f'then add to releases.toml and commit:\n[[release]]\nversion = "{version}"\ncommit = "{commit}"')


def _install(session: nox.Session, *groups: str) -> None:
    """Install dependency groups, and the tool where tests or types need it."""
    tool = ("--editable", str(ROOT)) if {"test", "types"} & set(groups) else ()
    session.install(*tool, *nox.project.dependency_groups(PROJECT, *groups))


def _read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def _render(session: nox.Session, name: str, *answers: str) -> Path:
    """Make build/<name> from the checkout, what is not committed included, with these answers."""
    folder = BUILD / name
    session.log(f"rendering a service into build/{name}{''.join(f', {answer}' for answer in answers)}")
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.name not in KEPT:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    # Copier commits what is not committed, in a clone of its own, and git wants to know by whom.
    identity = {
        f"GIT_{role}_{part}": "template@localhost" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")
    }
    options = ["--quiet", "--defaults", "--overwrite", "--vcs-ref=HEAD", *(f"--data={answer}" for answer in answers)]
    session.run("copier", "copy", *options, str(ROOT), str(folder), env=identity, silent=True)
    return folder


def _nox(session: nox.Session, folder: Path, *arguments: str) -> None:
    """Run the service's own sessions, with the tool of this checkout."""
    sessions = ["--session", *arguments] if arguments else []
    noxfile = str(folder / "noxfile.py")
    session.run(sys.executable, "-m", "nox", "--noxfile", noxfile, *sessions, external=True, env=SERVICE)


def _try(session: nox.Session, pytest: Callable[..., object], chosen: str = "") -> None:
    """Run tests, those of this choice; those that fail run once more, one at a time, and are named.

    Failure: of a thousand tests that kill real servers on two busy cores, one in some runs met a moment that it had
    not thought of, and everything was run again. Price: who reads the log has to look into what is named there.
    """
    marks = ("-m", chosen) if chosen else ()
    # By file, where the tests of one share a service and a database; each proof has a copy of its own.
    processes = IN_TWO_PROCESSES if chosen else ("--numprocesses=2", "--dist=worksteal")
    try:
        pytest(*processes, *marks)
    except CommandFailed:
        session.warn("tests failed, see above; they run once more, one at a time: look into them even if they pass now")
        pytest("--last-failed", "--last-failed-no-failures=none", *marks)


def _passes(session: nox.Session, folder: Path, python: str, resolution: str, databases: tuple[str, ...]) -> bool:
    """Whether the service's tests pass in a fresh environment of this Python at these versions."""
    environment = Path(session.create_tmp()).resolve() / "environment"
    install = ["uv", "pip", "install", "--quiet", f"--python={environment}", f"--resolution={resolution}"]
    pytest = str(environment / ("Scripts" if os.name == "nt" else "bin") / "pytest")
    try:
        with session.chdir(folder):
            session.run("uv", "venv", "--quiet", "--clear", f"--python={python}", str(environment))
            session.run(*install, "--editable=.", "--group=dev", env=NO_ENVIRONMENT)
            # What the slow ones look for does not change with versions.
            _try(
                session,
                lambda *options: session.run(
                    pytest, "--quiet", *databases, *options, external=True, env=NO_ENVIRONMENT
                ),
                "not slow and not soak",
            )
    except CommandFailed:
        return False
    return True


def _pythons(session: nox.Session) -> dict[str, str]:
    """The newest CPython of each version that uv or pyenv has on the machine, as `3.12` and its path."""
    listed = session.run(
        "uv", "python", "list", "--only-installed", "--output-format=json", silent=True, stderr=subprocess.DEVNULL
    )
    found = [row["path"] for row in json.loads(str(listed))]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found += [str(path) for path in pyenv.glob("versions/*/bin/python3")]
    question = "import json, sys; print(json.dumps([sys.implementation.name, sys.abiflags, sys.version_info]))"
    newest: dict[tuple[int, int], tuple[list[Any], str]] = {}
    for path in found:
        asked = subprocess.run([path, "-c", question], capture_output=True, text=True, check=False)
        if asked.returncode != 0:
            continue
        name, flags, version = json.loads(asked.stdout)
        minor = (version[0], version[1])
        if (name, flags, version[3]) == ("cpython", "", "final") and minor >= OLDEST:
            newest[minor] = max(newest.get(minor, (version, path)), (version, path))
    return {f"{minor[0]}.{minor[1]}": newest[minor][1] for minor in sorted(newest)}


@contextlib.contextmanager
def _serving(session: nox.Session, command: str, folder: Path) -> Iterator[str]:
    """The service on a free port of this machine, until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    session.log(f"starting the service on {address}, its database in build/{folder.name}/var")
    log = folder / "var" / "serve.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("w", encoding="utf-8") as output:
        server = subprocess.Popen([command, "serve", "--port", str(port)], cwd=folder, stdout=output, stderr=output)
    # Failure: a nox that was told to end left the server behind, on its port.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/health/ready", timeout=2):
                break
            if server.poll() is not None or time.monotonic() > deadline:
                session.error(f"the service did not start:\n{log.read_text(encoding='utf-8')}")
            time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def _fill_inbox(address: str, key: str, folder: Path) -> None:
    """Capture the descriptions of the packages that the service is installed with."""
    installed = distributions(path=[str(path) for path in (folder / ".venv").glob("[lL]ib/**/site-packages")])
    texts = [text for each in installed if (text := str(each.metadata.json.get("description", "")).strip())]
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for text in texts:
        body = json.dumps({"text": text[:10_000], "source": "packages"}).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{address}/ingest/raw", body, headers), timeout=30):
            pass
