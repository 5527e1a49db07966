"""Servers as processes of their own on free loopback ports: started, waited for, weighed and stopped by their id."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.005
# What the environment of whoever runs this must not decide.
_FOREIGN = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PROJECT_ROOT", "LOG_LEVEL", "LOG_FORMAT")


class BenchmarkError(Exception):
    """Something did not run, so nothing was measured."""


@dataclass(frozen=True)
class Program:
    """A program that is run here: its command, where `{port}` stands for its port, and its environment."""

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]

    def start(self, port: int = 0) -> subprocess.Popen[bytes]:
        """Start it, with its output and its logs thrown away."""
        return subprocess.Popen(
            [part.format(port=port) for part in self.command],
            cwd=self.folder,
            env={**clean_environment(), **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def run(self, *arguments: str, given: str = "") -> str:
        """Run it to its end; what it wrote."""
        done = subprocess.run(
            [*self.command, *arguments],
            cwd=self.folder,
            env={**clean_environment(), **self.environment},
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            shown = " ".join([*self.command, *arguments])
            raise BenchmarkError(f"`{shown}` ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout


@contextlib.contextmanager
def helping(program: Program, lines: int) -> Iterator[list[str]]:
    """The first lines that a program writes, which then goes on until the block ends."""
    process = subprocess.Popen(
        program.command,
        cwd=program.folder,
        env={**clean_environment(), **program.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - asked for above
        try:
            written = [process.stdout.readline().strip() for _ in range(lines)]
            if not all(written):
                raise BenchmarkError(f"{process.args!r} did not start; what it wrote stands above")
            yield written
        finally:
            process.stdin.close()


@dataclass(frozen=True)
class Service:
    """A rendered service, with an environment in its folder."""

    folder: Path

    @property
    def python(self) -> str:
        """The interpreter of its environment."""
        return self._program("python")

    @property
    def command(self) -> str:
        """The command it installs."""
        return self._program(next(iter(self._project["project"]["scripts"])))

    @property
    def package(self) -> str:
        """The name of its package."""
        return str(self._project["tool"]["hardening"]["package"])

    @property
    def _project(self) -> dict[str, Any]:
        return tomllib.loads((self.folder / "pyproject.toml").read_text(encoding="utf-8"))

    def _program(self, name: str) -> str:
        found = self.folder / ".venv" / "bin" / name
        if not found.exists():
            raise BenchmarkError(f"there is no {found}: run `uv sync --group dev` in the service's folder")
        return str(found)


def clean_environment() -> dict[str, str]:
    """The environment, without what would decide how the measured programs run."""
    return {name: value for name, value in os.environ.items() if name not in _FOREIGN}


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextlib.contextmanager
def serving(program: Program) -> Iterator[tuple[int, int]]:
    """The process id and the port of the program, serving, until the block ends."""
    port = free_port()
    process = program.start(port)
    try:
        wait_for_answer(process, port)
        yield process.pid, port
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_answer(process: subprocess.Popen[bytes], port: int) -> None:
    """Ask /health/live until it answers."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        with contextlib.suppress(OSError):
            ask(port, "GET", "/health/live")
            return
        # Not poll(): it would take the resources that were used out of the hands of whoever asks for them.
        ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        if ended or time.monotonic() > deadline:
            raise BenchmarkError(f"{process.args!r} {'ended' if ended else 'did not answer'}")
        time.sleep(_POLL_SECONDS)


def ask(port: int, method: str, path: str, *, token: str = "", body: object = None) -> Any:
    """What a server on this machine answers to one request, as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    if response.status not in (200, 202):
        raise BenchmarkError(f"{method} {path} answered {response.status}: {answer[:500]!r}")
    return json.loads(answer)


def cpu_seconds(pid: int) -> float | None:
    """What a running process has used of the processor so far; None where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
