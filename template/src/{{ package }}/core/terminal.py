# Owned by the template.
"""How commands speak to a person: what they have to say, and mistakes as one clear line."""

from __future__ import annotations

from rich.console import Console

__all__ = ["CommandError", "console", "errors", "say"]

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


class CommandError(Exception):
    """A command cannot do what was asked; the message says why and what to do."""


def say(text: str) -> None:
    """Print what a command has to say."""
    console.print(text, markup=False)
