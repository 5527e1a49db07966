"""The service's folder: its answers, and the conditions under which an update may begin."""

from __future__ import annotations

import re
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from .errors import LifecycleError
from .git import GitError, Repository

ANSWERS = ".copier-answers.yml"
_OLDEST_GIT = (2, 38)
"""The first version whose `merge-tree` merges without a work tree."""
_IN_PROGRESS = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "BISECT_LOG": "a bisection",
}
_RESTORE = f"take the last good one back with `git log -- {ANSWERS}` and `git checkout <commit> -- {ANSWERS}`"


class Service:
    """A folder in a git repository.

    Raises:
        LifecycleError: there is no such folder, no repository around it, or git is too old.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        if not self.folder.is_dir():
            raise LifecycleError(f"{folder} is no folder")
        self.git = Repository(self.folder)
        version = re.search(r"(\d+)\.(\d+)", self.git.text("version"))
        if version and (int(version[1]), int(version[2])) < _OLDEST_GIT:
            raise LifecycleError(
                f"this is git {version[0]}, and 2.38 or newer is needed: install it, or run `uvx copier update`"
            )
        try:
            self.prefix = self.git.text("rev-parse", "--show-prefix")
            self.git_directory = Path(self.git.text("rev-parse", "--absolute-git-dir"))
        except GitError:
            raise LifecycleError(
                f"{self.folder} is in no git repository: what an update changes could not be taken back; "
                "run `git init`, and commit everything"
            ) from None

    def require_clean(self) -> None:
        """Refuse a state that would mix the owner's own changes with the update's."""
        if not self.git.has_commit("HEAD"):
            raise LifecycleError("the repository has no commit yet: commit everything first")
        for name, operation in _IN_PROGRESS.items():
            if (self.git_directory / name).exists():
                raise LifecycleError(f"{operation} is in progress: finish or abort it first (git status says how)")
        if not self.git.succeeds("symbolic-ref", "--quiet", "HEAD"):
            raise LifecycleError(
                "HEAD is on no branch, where a commit is easily lost: run `git switch -c update` first"
            )
        changed = self.git.names("status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--", ".")
        changed += [f"M  {name}" for name in self.git.names("diff", "--cached", "--name-only", "-z")]
        if changed:
            first = ", ".join(sorted({each[3:] for each in changed})[:3])
            raise LifecycleError(f"not committed: {first}{' and more' * (len(changed) > 3)}; commit or stash it first")

    @cached_property
    def adopted_patterns(self) -> list[str] | None:
        """The patterns `take` of [tool.template] in a service that adopted pieces; None in one that was generated."""
        try:
            project = tomllib.loads((self.folder / "pyproject.toml").read_text(encoding="utf-8"))
            return [str(each) for each in project["tool"]["template"]["take"]]
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError):
            return None

    def answers(self) -> dict[str, Any]:
        """Read the recorded answers, of which `_commit` and `_src_path` are texts."""
        path = self.folder / ANSWERS
        if not path.is_file():
            raise LifecycleError(
                f"{self.folder} has no {ANSWERS}, so it is not known what it was made from: take it back "
                f"with `git log -- {ANSWERS}` and `git checkout <commit> -- {ANSWERS}`; for a service that never had "
                "one there is `hardened adopt`"
            )
        try:
            answers = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            line = f", line {mark.line + 1}" if mark else ""
            raise LifecycleError(f"{ANSWERS} is no YAML{line}; {_RESTORE}") from None
        if not isinstance(answers, dict):
            raise LifecycleError(f"{ANSWERS} holds no answers; {_RESTORE}")
        for key, meaning in (("_src_path", "the template's address"), ("_commit", "its version")):
            if not isinstance(answers.get(key), str) or not answers[key]:
                raise LifecycleError(f"{ANSWERS} has no {key}, {meaning}; {_RESTORE}")
        return answers
