# Owned by the template.
"""Whether the worker of this machine or container works: `python -m <package>.core.worker_health`, exit status 0 or 1.

It imports nothing of the service: asked every few seconds, Celery's own question costs seconds of processor time.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

__all__ = ["is_healthy", "touch"]

_SECONDS = 90.0


def _file() -> Path:
    named = os.environ.get("WORKER_HEALTH_FILE")
    return Path(named or f"{tempfile.gettempdir()}/{__package__}-worker-health")


def touch() -> None:
    """Say that the worker works; told by its canary every few seconds."""
    _file().touch()


def is_healthy() -> bool:
    """True if the worker said so lately."""
    file = _file()
    return file.exists() and time.time() - file.stat().st_mtime < _SECONDS


if __name__ == "__main__":
    sys.exit(0 if is_healthy() else f"no worker has written {_file()} within {_SECONDS:g} s")
