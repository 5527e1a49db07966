"""The merge: two renderings become commits beside the work tree, and git merges the step between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import LifecycleError
from .git import GitError, Repository
from .outcome import Conflict
from .service import Service

CHANGES = {"A": "new", "M": "changed", "D": "deleted", "R": "renamed", "T": "changed"}


@dataclass(frozen=True)
class Merge:
    """The tree of a merge, with git's marks in the files that conflict."""

    tree: str
    conflicts: list[Conflict]


class Merger:
    """Trees and commits in the service's object store, without its index and its work tree.

    With `dry_run` new objects are written into `scratch`.
    """

    def __init__(self, service: Service, scratch: Path, *, dry_run: bool) -> None:
        self.service, self.scratch = service, scratch
        self._objects: dict[str, str] = {}
        if dry_run:
            store = scratch / "objects"
            store.mkdir()
            own = service.git.text("rev-parse", "--path-format=absolute", "--git-path", "objects")
            self._objects = {"GIT_OBJECT_DIRECTORY": str(store), "GIT_ALTERNATE_OBJECT_DIRECTORIES": own}
        self.git = Repository(service.folder, **self._objects)

    def commit_folder(self, folder: Path, message: str, *parents: str) -> str:
        """Commit a folder's files as they are."""
        git = self._beside(folder, folder.name)
        git.run("-c", "core.autocrlf=false", "-c", "core.safecrlf=false", "add", "--all", "--force", ".")
        return self.commit_tree(git.text("write-tree"), message, *parents)

    def commit_tree(self, tree: str, message: str, *parents: str) -> str:
        """Commit a tree."""
        words = [word for each in parents for word in ("-p", each)]
        return self.git.text("commit-tree", tree, "-m", message, *words)

    def merge(self, ours: str, theirs: str) -> Merge:
        """Merge two commits."""
        output = self.git.run("merge-tree", "--write-tree", "--messages", "-z", ours, theirs, statuses=(0, 1))
        tree, *fields = output.decode(errors="surrogateescape").split("\0")
        stages: dict[str, set[str]] = {}
        while fields and fields[0]:
            entry, _, path = fields.pop(0).partition("\t")
            stages.setdefault(path, set()).add(entry.split()[2])
        messages = _conflict_messages(fields[1:])
        return Merge(tree, [_conflict(path, stages[path], *messages.get(path, ("", ""))) for path in sorted(stages)])

    def changed_files(self, before: str, after: str) -> list[tuple[str, str]]:
        """List kind and name of each file that differs between two trees."""
        fields = self.git.names("diff-tree", "-r", "-z", "--name-status", "-M", before, after)
        changed = []
        while fields:
            kind, name = fields.pop(0)[0], fields.pop(0)
            if kind in "RC":
                name = f"{name} -> {fields.pop(0)}"
            changed.append((CHANGES.get(kind, "changed"), name))
        return changed

    def export(self, tree: str, name: str) -> Path:
        """Write the service's files of a tree into a new folder; return it."""
        folder = self.scratch / name
        folder.mkdir()
        git = self._beside(folder, name)
        git.run("read-tree", tree)
        git.run("checkout-index", "--all", "--quiet")
        return folder / self.service.prefix

    def apply(self, step: str, merge: Merge) -> None:
        """Let git do the foreseen merge in the work tree; undo it where the result differs.

        Raises:
            LifecycleError: git failed or merged otherwise; the work tree is as it was.
        """
        # Why: the check before this takes a while, in which somebody may have gone on working.
        self.service.require_clean()
        failure = ""
        try:
            self.git.run("cherry-pick", "--no-commit", "--allow-empty", step)
            if self.git.text("write-tree") != merge.tree:
                failure = "git merged otherwise than was foreseen"
        except GitError as error:
            if not merge.conflicts:
                failure = str(error)
        if failure:
            self.git.run("reset", "--quiet", "--merge", "HEAD")
            raise LifecycleError(f"{failure}; everything is as it was")

    def _beside(self, folder: Path, name: str) -> Repository:
        variables: Mapping[str, str] = {
            "GIT_DIR": str(self.service.git_directory),
            "GIT_WORK_TREE": str(folder),
            "GIT_INDEX_FILE": str(self.scratch / f"{name}.index"),
            **self._objects,
        }
        return Repository(folder, **variables)


def _conflict_messages(fields: list[str]) -> dict[str, tuple[str, str]]:
    """Read the messages of `merge-tree -z`: kind and text of the first conflict of each path."""
    found: dict[str, tuple[str, str]] = {}
    while fields and fields[0]:
        count = int(fields[0])
        paths, kind, message = fields[1 : 1 + count], fields[1 + count], fields[2 + count]
        fields = fields[3 + count :]
        if kind.startswith("CONFLICT"):
            for path in paths:
                found.setdefault(path, (kind, " ".join(message.split())))
    return found


def _conflict(path: str, stages: set[str], kind: str, message: str) -> Conflict:
    if {"2", "3"} <= stages:
        cause = "both sides added it" if "1" not in stages else "both sides changed the same lines"
        return Conflict(path, cause, f"choose between the marks, then git add {path}")
    if "2" in stages and "delete" in kind:
        cause = "the template deleted it, and you had changed it"
        return Conflict(path, cause, f"keep yours: git add {path}; let it go: git rm {path}")
    if "3" in stages and "delete" in kind:
        cause = "you deleted it, and the template changed it"
        return Conflict(path, cause, f"leave it deleted: git rm {path}; take the template's: git add {path}")
    return Conflict(path, message or "git could not merge it", f"settle it, then git add {path} or git rm {path}")
