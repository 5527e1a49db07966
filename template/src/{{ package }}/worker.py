# Owned by the template.
"""The Celery entry point: `app` is what a worker runs."""

from .core.features import discover
from .core.worker import create_worker
from .settings import Settings

app = create_worker(Settings.load(), discover(__package__))
