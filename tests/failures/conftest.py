"""One rendered service and one environment for all proofs, and a copy for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ._service import Environment, Service


@pytest.fixture(scope="session")
def environment(rendered: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """The environment of the service with the example."""
    made = Environment(rendered(), tmp_path_factory.mktemp("environment") / "venv")
    yield made
    made.close()


@pytest.fixture
def service(environment: Environment, tmp_path: Path) -> Service:
    """A copy of the service with the example, to be broken."""
    return Service(environment.installed, tmp_path / "inbox-demo", environment)
