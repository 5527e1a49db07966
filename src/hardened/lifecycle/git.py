"""Git as a subprocess, independent of hooks and of the person's own configuration."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .errors import LifecycleError

HOOK_VARIABLES = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
)
# Why: the person's own settings of merging must not change what arrives.
_CONFIGURATION = (
    "merge.renames=true",
    "merge.directoryRenames=conflict",
    "rerere.enabled=false",
    "core.quotePath=false",
)
_INHERITED = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_SSH_COMMAND", "GIT_ASKPASS")


class GitError(LifecycleError):
    """A git command that failed, with the last line that it printed."""


class Repository:
    """Git in one folder."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        # Why: a server's user may have no name, and none of these commits is kept.
        for role in ("AUTHOR", "COMMITTER"):
            self._environment |= {f"GIT_{role}_NAME": "template", f"GIT_{role}_EMAIL": "template@localhost"}
        self._environment |= {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self._environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **variables}

    def run(self, *arguments: str, stdin: bytes = b"", statuses: tuple[int, ...] = (0,)) -> bytes:
        """Run a command; return its output.

        Raises:
            GitError: the exit status is none of `statuses`.
        """
        options = [word for each in _CONFIGURATION for word in ("-c", each)]
        done = subprocess.run(
            ["git", *options, *arguments],  # noqa: S607 - the one on the path is meant
            cwd=self.folder,
            env=self._environment,
            input=stdin,
            capture_output=True,
            check=False,
        )
        if done.returncode not in statuses:
            lines = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
            raise GitError(f"git {arguments[0]}: {lines[-1] if lines else done.returncode}")
        return done.stdout

    def text(self, *arguments: str) -> str:
        """Run a command; return its output as one stripped text."""
        return self.run(*arguments).decode(errors="replace").strip()

    def names(self, *arguments: str, stdin: Sequence[str] = (), statuses: tuple[int, ...] = (0,)) -> list[str]:
        """Run a command that separates names by NUL (`-z`); return the names."""
        output = self.run(*arguments, stdin=_lines(stdin, "\0"), statuses=statuses)
        return [each for each in output.decode(errors="surrogateescape").split("\0") if each]

    def succeeds(self, *arguments: str) -> bool:
        """Run a command; return True for exit status 0."""
        try:
            self.run(*arguments)
        except GitError:
            return False
        return True

    def has_commit(self, reference: str) -> bool:
        """Return True for a reference that names a commit."""
        return self.succeeds("rev-parse", "--quiet", "--verify", f"{reference}^{{commit}}")

    def texts(self, tree: str, paths: Sequence[str]) -> dict[str, str]:
        """Read files of a tree by their paths, in one process."""
        output = self.run("cat-file", "--batch", stdin=_lines([f"{tree}:{path}" for path in paths], "\n"))
        found = {}
        for path in paths:
            header, _, output = output.partition(b"\n")
            if not header.endswith(b" missing"):
                size = int(header.rsplit(b" ", 1)[1])
                found[path] = output[:size].decode(errors="replace")
                output = output[size + 1 :]
        return found


def _lines(names: Sequence[str], end: str) -> bytes:
    return "".join(f"{each}{end}" for each in names).encode(errors="surrogateescape")
