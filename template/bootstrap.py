#!/usr/bin/env python3
# Owned by the template.
"""Nox, without having nox: `python3 bootstrap.py` installs it and uv into .nox/bootstrap, then runs it."""
# Nothing here is newer than Python 3.5, so that an old Python says one clear line and not "invalid syntax".

import importlib.util
import os
import subprocess
import sys

OLDEST = (3, 11)
REQUIREMENTS = ["nox>=2026.10.20,<2028", "uv>=0.13.9,<1"]

# Not resolved: where this file is a link, its own folder is the one with the noxfile.
HERE = os.path.dirname(os.path.abspath(__file__))
HOME = os.path.join(HERE, ".nox", "bootstrap")
SCRIPTS = os.path.join(HOME, "Scripts" if os.name == "nt" else "bin")
PYTHON = os.path.join(SCRIPTS, "python.exe" if os.name == "nt" else "python")
STAMP = os.path.join(HOME, "installed.txt")


def main(arguments: "list[str]") -> int:
    """Run nox with these arguments and give back its exit status."""
    if sys.version_info < OLDEST:
        running = ".".join(str(part) for part in sys.version_info[:3])
        wanted = ".".join(str(part) for part in OLDEST)
        return _refuse("this is Python %s and %s or newer is needed: run it with python%s" % (running, wanted, wanted))
    if not _is_installed():
        _say("installing nox and uv into %s" % os.path.relpath(HOME))
        problem = _install()
        if problem:
            return _refuse(problem)
    command = [PYTHON, "-m", "nox", "--noxfile", os.path.join(HERE, "noxfile.py")] + arguments
    environment = dict(os.environ, PATH=os.pathsep.join([SCRIPTS, os.environ.get("PATH", os.defpath)]))
    sys.stdout.flush()
    if os.name != "nt":
        # In this process's place: signals and the exit status need no passing on.
        os.execve(PYTHON, command, environment)
    return subprocess.call(command, env=environment)


def _say(text: str) -> None:
    sys.stderr.write("bootstrap: %s\n" % text)
    sys.stderr.flush()


def _refuse(text: str) -> int:
    _say(text)
    return 2


def _wanted() -> str:
    return "\n".join(REQUIREMENTS + [sys.version]) + "\n"


def _is_installed() -> bool:
    try:
        with open(STAMP, encoding="utf-8") as file:
            found = file.read()
    except OSError:
        return False
    # Also run: the Python that the environment was made from may be gone.
    return found == _wanted() and subprocess.call([PYTHON, "-c", "import nox, uv"], stderr=subprocess.DEVNULL) == 0


def _install() -> str:
    """Make the environment; what is missing on this machine, or nothing."""
    import venv

    pip = _own_pip()
    if pip:
        installer = pip + ["--python", PYTHON]
    elif importlib.util.find_spec("ensurepip"):
        installer = [PYTHON, "-m", "pip"]
    else:
        return (
            "this Python has neither pip (22.3 or newer) nor ensurepip to install with: "
            "install the package python3-venv or python3-pip of your system"
        )
    venv.create(HOME, clear=True, symlinks=os.name != "nt", with_pip=not pip)
    if subprocess.call(installer + ["install", "--quiet", "--disable-pip-version-check"] + REQUIREMENTS) != 0:
        return "pip could not install %s: see above" % " and ".join(REQUIREMENTS)
    with open(STAMP, "w", encoding="utf-8") as file:
        file.write(_wanted())
    return ""


def _own_pip() -> "list[str]":
    """The running Python's own pip, where it is new enough to install into another environment."""
    import importlib.metadata

    try:
        version = importlib.metadata.version("pip")
    except importlib.metadata.PackageNotFoundError:
        return []
    new_enough = tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) >= (22, 3)
    return [sys.executable, "-m", "pip"] if new_enough else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
