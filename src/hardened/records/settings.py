"""Records of the class of settings, and of the models that jobs are given."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..model import Location


@dataclass(frozen=True)
class SecretDefault:
    """A secret setting with a default. `accepted` is the environment that takes it, "" where all refuse it."""

    name: str
    location: Location
    accepted: str


@dataclass(frozen=True)
class KnownSecrets:
    """Salted digests of the secrets that stand as defaults in the class of settings.

    Why: the class decides whether it takes them in production, so the same text elsewhere in the source is no
    finding of its own. The values themselves never leave the probe.
    """

    salt: str = ""
    digests: frozenset[str] = frozenset()

    def __contains__(self, text: str) -> bool:
        return bool(self.digests) and self.digest(self.salt, text) in self.digests

    @staticmethod
    def digest(salt: str, text: str) -> str:
        """The digest that the probe makes as well."""
        return hashlib.sha256(f"{salt}{text}".encode(errors="replace")).hexdigest()


@dataclass(frozen=True)
class SettingsFacts:
    """The class of settings.

    Attributes:
        relative: the files that it looks for in the working directory, each with its line.
        defaults: its secrets that have a default.
        known: the digests of these.
        numbers: the defaults that are whole numbers, by the field's name.
        classes: the files and names of the class and of its bases in the project.
        problem: the reason why the secrets could not be tried; "" where they could.
    """

    relative: tuple[tuple[str, Location], ...] = ()
    defaults: tuple[SecretDefault, ...] = ()
    known: KnownSecrets = KnownSecrets()
    numbers: Mapping[str, int] = field(default_factory=dict)
    classes: frozenset[tuple[str, str]] = frozenset()
    problem: str = ""


@dataclass(frozen=True)
class OpenField:
    """A field of a model that takes too much. `problem` says what, `hint` what to do."""

    name: str
    problem: str
    hint: str
    location: Location


@dataclass(frozen=True)
class Model:
    """A pydantic model of the project, for the judgement of what jobs are given.

    Attributes:
        names: its dotted name, and those under which modules of the project bind it.
        open_fields: its own fields that take too much.
        models: the dotted names of the models in its fields.
    """

    names: tuple[str, ...]
    open_fields: tuple[OpenField, ...] = ()
    models: tuple[str, ...] = ()
