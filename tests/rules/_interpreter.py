"""Interpreter of the service that has imported already what is slow: each start of it is a fork.

`python _interpreter.py serve SOCKET PACKAGE`, under the service's own Python, imports the libraries once and waits on a
socket. The script that `write_interpreter` makes stands in for `python`: it hands its arguments, folder, environment and open files to
the server, and ends as the forked process ends. Without it, each of some five hundred checks imported the libraries anew, which took
longer than the check.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Imported by the service's tests, and by pytest before them.
TESTING = (
    "pytest",
    "xdist.plugin",
    "hypothesis.stateful",
    "schemathesis.pytest.plugin",
    "psycopg",
    "websockets.sync.client",
)
CLIENT = """\
#!{python} -SE
import json, os, socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
    server.connect({address!r})
    request = json.dumps({{"arguments": sys.argv[1:], "folder": os.getcwd(), "environment": dict(os.environ)}}).encode()
    socket.send_fds(server, [len(request).to_bytes(8, "big")], [0, 1, 2])
    server.sendall(request)
    answer = server.recv(1)
os._exit(answer[0] if answer else 70)
"""


def write_interpreter(path: Path, address: Path, python: str) -> None:
    """Write the script that stands in for `python`."""
    path.write_text(CLIENT.format(python=python, address=str(address)), encoding="utf-8")
    path.chmod(0o755)


def serve(address: str, package: str) -> None:
    """Import what is slow, say so in one line, and fork for each request until standard input ends."""
    listed = f"import sys, {package}.main, {package}.worker, {package}.core.cli; print(*sys.modules)"
    # A child's list: the project's own modules are imported anew for each copy of the service.
    told = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True)
    for module in told.stdout.split():
        if module.partition(".")[0] not in (package, "__main__", "__mp_main__"):
            with contextlib.suppress(ImportError):
                importlib.import_module(module)
    for module in TESTING:
        importlib.import_module(module)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(address)
        listening.listen()
        # Nobody waits for the processes that serve one request each.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            connection, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                os._exit(_serve_one(connection))
            connection.close()


def _serve_one(connection: socket.socket) -> int:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, files, _, _ = socket.recv_fds(connection, 8, 3)
    size, request = int.from_bytes(head, "big"), b""
    while len(request) < size:
        request += connection.recv(size - len(request))
    child = os.fork()
    if child == 0:
        connection.close()
        os.setsid()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        os._exit(_run(**json.loads(request)))
    for file in files:
        os.close(file)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    connection.sendall(bytes([code if code >= 0 else 128 - code]))
    return 0


def _run(arguments: list[str], folder: str, environment: dict[str, str]) -> int:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for entry in reversed(environment.get("PYTHONPATH", "").split(os.pathsep)):
        if entry:
            sys.path.insert(0, entry)
    importlib.invalidate_caches()
    status = 0
    try:
        _interpret(arguments)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
    except BaseException:  # noqa: BLE001 - as an interpreter, it shows whatever it is and goes on to its end
        traceback.print_exc()
        status = 1
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    return status


def _interpret(arguments: list[str]) -> None:
    """Do what `python` does with these arguments; options before `-c`, `-m` or the file make no difference here."""
    while arguments and arguments[0].startswith("-") and arguments[0] not in ("-c", "-m"):
        arguments = arguments[1:]
    if arguments[0] == "-c":
        sys.path.insert(0, "")
        sys.argv = ["-c", *arguments[2:]]
        module: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(arguments[1], "<string>", "exec"), module)  # noqa: S102 - an interpreter
    elif arguments[0] == "-m":
        sys.path.insert(0, str(Path.cwd()))
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


class Forking:
    """A running server, and the interpreter that asks it."""

    def __init__(self, python: Path, folder: Path, package: str, environment: Mapping[str, str], cwd: Path) -> None:
        address = folder / "socket"
        self.python = folder / "python"
        write_interpreter(self.python, address, str(python))
        self._server = subprocess.Popen(
            [str(python), __file__, "serve", str(address), package],
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._server.stdout
        assert self._server.stdout.readline() == "ready\n", "the forking interpreter did not start"

    def close(self) -> None:
        """Stop the server; processes that it forked have ended with whoever started them."""
        assert self._server.stdout
        self._server.terminate()
        self._server.wait()
        self._server.stdout.close()


if __name__ == "__main__":
    serve(*sys.argv[2:])
