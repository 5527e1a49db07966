"""The project that each test changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ._project import Project, forget


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    yield Project(tmp_path)
    forget()
