"""Records of importing the project."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Location


@dataclass(frozen=True)
class Failure:
    """A module that cannot be imported.

    Attributes:
        module: the module to blame, by its dotted name.
        message: the error.
        location: the line to blame.
        code: the failure of the catalogue that the error calls itself, else empty.
        needs: the module that is not installed, where that is the cause.
    """

    module: str
    message: str
    location: Location
    code: str = ""
    needs: str = ""


@dataclass(frozen=True)
class Attempt:
    """A connection that was tried: its target, the project's innermost line, and the step that was being done."""

    target: str
    location: Location
    during: str
