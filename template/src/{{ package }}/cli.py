"""The entry point of the service's command; a feature adds commands of its own with `Feature(commands=...)`."""

from .core.cli import create_cli

main = create_cli(__package__)
