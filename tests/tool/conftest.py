"""Fixtures of the tool's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from ._project import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A project of one empty package."""
    return Tree(tmp_path)
