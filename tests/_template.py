"""What the tests do with the template: clone it as it stands, render it, update what was rendered."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import copier

ROOT = Path(__file__).parents[1]
NOW = "v999.0.0"
"""The tag of the checkout as it stands; it sorts behind every release."""

VARIANTS: dict[str, dict[str, Any]] = {"example": {}, "bare": {"example": False}}
"""The answers that change which files there are."""

PACKAGE = "inbox_demo"
"""The package of the default answers."""


def git(folder: Path, *arguments: str) -> str:
    """What git prints."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


def commit(folder: Path, message: str, tag: str | None = None) -> None:
    """Commit everything that is in the folder."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    if tag is not None:
        git(folder, "tag", "--force", tag)


def template_as_it_stands(folder: Path) -> Path:
    """A clone of the checkout, with its history and with what is not committed yet, tagged `NOW`."""
    git(ROOT, "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder))
    for path in folder.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    listed = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    for name in filter(None, listed):
        source, target = ROOT / name, folder / name
        if source.is_symlink() or source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    commit(folder, "the checkout as it stands", NOW)
    return folder


def render(template: Path, folder: Path, ref: str = NOW, **answers: Any) -> Path:
    """What `copier copy --defaults` makes with these answers."""
    copier.run_copy(str(template), folder, data=answers, defaults=True, quiet=True, vcs_ref=ref)
    return folder


def update(folder: Path, ref: str = NOW, **answers: Any) -> None:
    """What `copier update --defaults` does; conflicts are looked for by `conflicts`."""
    copier.run_update(folder, data=answers, defaults=True, overwrite=True, quiet=True, vcs_ref=ref)


def conflicts(folder: Path) -> list[str]:
    """The files that an update left in conflict; its exit status does not tell."""
    return sorted({line.split("\t")[1] for line in git(folder, "ls-files", "--unmerged").splitlines()})


def owned_by_git(folder: Path) -> Path:
    """The rendered folder, as its owner's repository with a first commit."""
    git(folder, "init", "--quiet")
    commit(folder, "first")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """Each file below the folder, by its path, without git's own."""
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }
    assert found, f"{folder} holds no file"
    return found
