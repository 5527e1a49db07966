"""Exports, an example: a validated request becomes a job with progress, and the job a file to download."""

from ...core.features import Feature
from .jobs import build_export
from .routes import exports

feature = Feature(routers=(exports,), jobs=(build_export,))
