"""Tiny repositories."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hardened.lifecycle.git import Repository

Commit = Callable[..., str]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty repository with an owner."""
    folder = tmp_path / "service"
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=folder, check=True)
    return Repository(folder)


@pytest.fixture
def commit(repository: Repository) -> Commit:
    """Write files (None deletes), commit them, and return the commit."""

    def write_and_commit(**files: str | None) -> str:
        for name, text in files.items():
            path = repository.folder / name.replace("__", "/").replace("_dot_", ".")
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        repository.run("add", "--all")
        repository.run("commit", "--quiet", "--allow-empty", "--message", "step")
        return repository.text("rev-parse", "HEAD")

    return write_and_commit
