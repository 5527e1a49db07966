# Owned by the template.
"""The guards: each names one failure that broke somebody's service, when somebody brings it back.

They know nothing of this service: what they look at is named in `[tool.hardening]` in pyproject.toml.
A known finding that stays is accepted there, with a reason: `where` is the finding's whole file or its
whole subject (`orders.customer_id`); an acceptance that matches nothing is itself a finding.
"""

from ._config import Acceptance, Config, ConfigError, find_root, load_config
from ._findings import Finding, Refused
from ._run import FORMATS, Report, Skipped, codes, exit_status, explain, refuse, render, run

__all__ = [
    "FORMATS",
    "Acceptance",
    "Config",
    "ConfigError",
    "Finding",
    "Refused",
    "Report",
    "Skipped",
    "codes",
    "exit_status",
    "explain",
    "find_root",
    "load_config",
    "refuse",
    "render",
    "run",
]
