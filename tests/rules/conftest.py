"""One rendered service and one environment for all proofs, and a copy for each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ._service import Environment, Service


@pytest.fixture(scope="session")
def environment(rendered: Callable[..., Path]) -> Iterator[Environment]:
    """The environment of the service with the example.

    Beside pytest's own folder: whenever another pytest begins, which the proofs do as well, all other users lose their
    rights to that, and where root runs the tests, PostgreSQL's programs in this environment are another user's.
    """
    with tempfile.TemporaryDirectory(prefix="environment-") as folder:
        made = Environment(rendered(), Path(folder, "venv"))
        yield made
        made.close()


@pytest.fixture
def service(environment: Environment, tmp_path: Path) -> Service:
    """A copy of the service with the example, to be broken."""
    return Service(environment.installed, tmp_path / "inbox-demo", environment)
