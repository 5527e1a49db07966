"""The one error of a configuration."""

from __future__ import annotations


class ConfigError(Exception):
    """Configuration that cannot be followed; the message is one line that names the key and the value."""
