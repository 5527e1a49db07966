"""Facts from the class of settings: where it looks for a file, and which of its defaults it takes in production.

Nothing is read from the environment or from a file: values are given to the class's own validation, and to it alone.
"""

from __future__ import annotations

import enum
import inspect
import re
import secrets
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import AliasChoices, BaseModel, SecretBytes, SecretStr, ValidationError

from ..knowledge.secret_names import is_secret_name
from ..model import CouldNotLook, Location, belongs

PRODUCTION = ("production", "prod", "live", "staging")
ENVIRONMENTS = re.compile(r"(app_?|service_?|run_?)?(env|environment|stage|mode|deployment)(_name)?", re.IGNORECASE)
_TRIES = (
    "https://host.invalid/path",
    "postgresql://user:{}@host.invalid:5432/name",
    "redis://host.invalid:6379/0",
    "amqp://host.invalid:5672/",
    "somebody@host.invalid",
    "1",
    "true",
    "2026-01-01",
    "00000000-0000-4000-8000-00000000000a",
)
_ROUNDS = 40


@dataclass(frozen=True)
class Default:
    """A secret with a default. `accepted` is the environment in which the class takes it, "" where it refuses it."""

    name: str
    location: Location
    accepted: str


@dataclass(frozen=True)
class SettingsFacts:
    """What is known of the class of settings.

    Attributes:
        relative: the files it looks for in whatever folder the process was started in, each with its place.
        defaults: its secrets that have a default.
        known: the values of those, which are judged here and nowhere else.
        numbers: the defaults that are whole numbers, by the field's name.
        texts: the defaults that are texts, and no secrets.
        classes: the files and names of the class and of those it extends.
        problem: why it could not be tried; "" where it could.
    """

    relative: tuple[tuple[str, Location], ...]
    defaults: tuple[Default, ...]
    known: frozenset[str]
    numbers: dict[str, int]
    texts: dict[str, str]
    classes: frozenset[tuple[str, str]]
    problem: str


def gather(settings: object, root: Path) -> SettingsFacts:
    kind: Any = settings if isinstance(settings, type) else type(settings)
    if not issubclass(kind, BaseModel):
        raise CouldNotLook(f"the settings are a {kind.__name__}, not a class of pydantic-settings")
    own = [each for each in kind.__mro__ if belongs(root, _file(each) or "/")]
    trial = _Trial(kind)
    defaults = []
    for name, _ in _known_secrets(kind):
        accepted = "" if trial.problem else trial.accepting(name)
        defaults.append(Default(name, _place(own, name, root), accepted))
    return SettingsFacts(
        tuple(_relative(own, root)),
        tuple(defaults),
        frozenset(value for _, value in _known_secrets(kind)),
        {name: each for name, each in _defaults(kind) if isinstance(each, int) and not isinstance(each, bool)},
        {name: each for name, each in _defaults(kind) if isinstance(each, str) and not is_secret_name(name)}
        | {
            name: each.get_secret_value()
            for name, each in _defaults(kind)
            if isinstance(each, SecretStr) and name.lower().endswith("url")
        },
        frozenset((Location.of(root, _file(each) or "").file or "", each.__name__) for each in own),
        trial.problem,
    )


def _file(kind: type) -> str | None:
    try:
        return inspect.getsourcefile(kind)
    except TypeError:
        return None


def _defaults(kind: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    for name, field in kind.model_fields.items():
        yield name, field.default.value if isinstance(field.default, enum.Enum) else field.default


def _known_secrets(kind: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """The fields whose default is a secret that everybody can read, with it."""
    for name, value in _defaults(kind):
        hidden = isinstance(value, (SecretStr, SecretBytes))
        plain = value.get_secret_value() if hidden else value
        text = plain.decode(errors="replace") if isinstance(plain, bytes) else str(plain or "")
        if not isinstance(value, (str, bytes)) and not hidden and "://" not in text:
            continue
        if "://" in text:
            # An address is no secret, and the password in it is one.
            if _password(text):
                yield name, text
        elif text and (hidden or is_secret_name(name)):
            yield name, text


def _password(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""


class _Trial:
    """Makes the settings of production: strong secrets, and what else is needed."""

    def __init__(self, kind: type[BaseModel]) -> None:
        self.kind = kind
        self.problem = ""
        self.environments = list(self._environments())
        self.values = {name: self._strong(name) for name, _ in _known_secrets(kind)}
        self.values |= {
            name: secrets.token_urlsafe(48)
            for name, field in kind.model_fields.items()
            if field.is_required() or (is_secret_name(name) and name not in self.values and field.annotation is str)
        }
        tried: dict[str, int] = {}
        for _ in range(_ROUNDS):
            wrong = self._wrong(self.values, self.environments[0])
            if wrong is None:
                return
            again = [name for name in wrong if name in self.kind.model_fields and tried.get(name, 0) < len(_TRIES)]
            for name in again:
                self.values[name] = _TRIES[tried.get(name, 0)].format(secrets.token_urlsafe(24))
                tried[name] = tried.get(name, 0) + 1
            if not again:
                names = ", ".join(sorted(set(wrong) - {""})) or "the whole"
                self.problem = f"no settings of production could be made to try its defaults: {names} was refused"
                return
        self.problem = "no settings of production could be made to try its defaults"

    def accepting(self, name: str) -> str:
        """The first environment in which the default of a field is taken; "" where it is refused in each."""
        values = {key: value for key, value in self.values.items() if key != name}
        return next(
            (label for each in self.environments if self._wrong(values, each) is None for label in [each[1]]), ""
        )

    def _environments(self) -> Iterator[tuple[str, str]]:
        """The field that says where the service runs, with each of its values that is production or like it."""
        found = []
        for name, field in self.kind.model_fields.items():
            if not ENVIRONMENTS.fullmatch(name):
                continue
            values = _choices(field.annotation)
            found += [(name, each) for like in PRODUCTION for each in values if str(each).lower() == like]
            if not values and field.annotation is str:
                found.append((name, PRODUCTION[0]))
        yield from found or [("", "production, which it cannot tell from any other")]

    def _strong(self, name: str) -> str:
        default = dict(_known_secrets(self.kind))[name]
        if "://" not in default:
            return secrets.token_urlsafe(48)
        return default.replace(f":{_password(default)}@", f":{secrets.token_urlsafe(48)}@")

    def _wrong(self, values: dict[str, str], environment: tuple[str, str]) -> list[str] | None:
        """The fields that are refused, "" for the whole; None where nothing is."""
        given = {self._key(name): value for name, value in values.items()}
        if environment[0]:
            given[self._key(environment[0])] = environment[1]
        try:
            # Not by calling the class: that would read the environment, files, and who knows what else.
            self.kind.__pydantic_validator__.validate_python(given, self_instance=self.kind.__new__(self.kind))
        except ValidationError as error:
            return [self._field(str(each["loc"][0])) if each["loc"] else "" for each in error.errors()]
        except Exception:  # noqa: BLE001 - a validator of the project's own refuses as it likes
            return [""]
        return None

    def _key(self, name: str) -> str:
        alias = self.kind.model_fields[name].validation_alias
        if isinstance(alias, AliasChoices):
            alias = alias.choices[0]
        return alias if isinstance(alias, str) else name

    def _field(self, key: str) -> str:
        return next((name for name in self.kind.model_fields if key in (name, self._key(name))), key)


def _choices(annotation: Any) -> list[str]:
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return [str(each.value) for each in annotation]
    if typing.get_origin(annotation) is typing.Literal:
        return [str(each) for each in typing.get_args(annotation)]
    return [value for each in typing.get_args(annotation) for value in _choices(each)]


def _relative(own: list[Any], root: Path) -> Iterator[tuple[str, Location]]:
    for each in own[:1]:
        value = getattr(each, "model_config", {}).get("env_file")
        for file in value if isinstance(value, (list, tuple)) else [value]:
            if file is not None and not Path(str(file)).expanduser().is_absolute():
                yield str(file), _place(own, "model_config", root)


def _place(own: list[Any], name: str, root: Path) -> Location:
    """The line on which a class declares a name."""
    for each in own:
        if name in vars(each) or name in vars(each).get("__annotations__", {}):
            try:
                lines, first = inspect.getsourcelines(each)
            except (OSError, TypeError):
                continue
            at = next((n for n, line in enumerate(lines) if re.match(rf"\s+{name}\b", line)), None)
            if at is None:
                continue  # pydantic gives each class a configuration of its own
            return Location.of(root, _file(each) or "", first + at)
    return Location()
