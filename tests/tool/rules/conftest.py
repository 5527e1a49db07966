"""Fixtures of the rules' tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..runtime._in_process import Gathered, forget
from ._shop import Shop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A project with an application, which the probe imports into this process."""
    monkeypatch.setattr("hardened.runtime.client.Probe", Gathered)
    forget()
    yield Shop(tmp_path)
    forget()
