"""The ASGI entry point: `app` is what a server runs."""

from .core.application import create_app
from .core.features import discover
from .settings import Settings

app = create_app(Settings.load(), discover(__package__), title=__package__.replace("_", " ").title())
