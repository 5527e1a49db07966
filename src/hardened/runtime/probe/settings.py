"""The class of settings: where it looks for a file, and which of its secret defaults it takes in production.

Nothing is read from the environment or from a file, and the class is never called: values are given to its own
validation alone. So a class that needs variables of the environment answers as well. No secret leaves the probe: what a
rule has to recognise is answered as a salted digest.
"""

from __future__ import annotations

import enum
import hashlib
import inspect
import re
import secrets
import typing
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from ._world import Place, Unreadable, World

_PRODUCTION = ("production", "prod", "live", "staging")
_ENVIRONMENT = re.compile(r"(app_?|service_?|run_?)?(env|environment|stage|mode|deployment)(_name)?", re.IGNORECASE)
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
"""Values for a required field that refuses a random text."""
_ROUNDS = 40


def gather(world: World) -> dict[str, Any]:
    """Return the fields of `records.settings.SettingsFacts`."""
    settings = world.there("settings")
    kind = settings if isinstance(settings, type) else type(settings)
    try:
        from pydantic import AliasChoices, BaseModel  # noqa: F401 - both: pydantic 1 has no AliasChoices
    except ImportError as error:
        raise Unreadable(f"the settings cannot be read without pydantic 2: {error}") from error
    if not issubclass(kind, BaseModel):
        raise Unreadable(f"the settings are a {kind.__name__}, not a class of pydantic-settings")
    own = [each for each in kind.__mro__ if world.belongs(_file(each) or "/")]
    fields = _Fields(kind, re.compile(world.request["secret_names"]))
    trial = _Trial(fields)
    salt = secrets.token_hex(16)
    return {
        "relative": list(_relative(world, own)),
        "defaults": [
            {
                "name": name,
                "location": world.declared(kind, name),
                "accepted": "" if trial.problem else trial.accepting(name),
            }
            for name in fields.secrets
        ],
        "known": {"salt": salt, "digests": [_digest(salt, value) for value in fields.secrets.values()]},
        "numbers": {
            name: each for name, each in fields.defaults.items() if isinstance(each, int) and not isinstance(each, bool)
        },
        "classes": [[world.place(_file(each) or "")[0] or "", each.__name__] for each in own],
        "problem": trial.problem,
    }


def _digest(salt: str, text: str) -> str:
    """The digest that `records.settings.KnownSecrets` makes as well."""
    return hashlib.sha256(f"{salt}{text}".encode(errors="replace")).hexdigest()


def _file(kind: type) -> str | None:
    try:
        return inspect.getsourcefile(kind)
    except (TypeError, OSError):
        return None


def _relative(world: World, own: list[Any]) -> Iterator[tuple[str, Place]]:
    """The files that the class looks for in the working directory."""
    for each in own[:1]:
        value = getattr(each, "model_config", {}).get("env_file")
        for file in value if isinstance(value, (list, tuple)) else [value]:
            if file is not None and not str(file).startswith(("/", "~")) and not re.match(r"[A-Za-z]:[\\/]", str(file)):
                yield str(file), world.declared(each, "model_config")


class _Fields:
    """The fields of a class of settings, with the defaults that stand there."""

    def __init__(self, kind: Any, secret_names: re.Pattern[str]) -> None:
        self.kind = kind
        self.by_name: dict[str, Any] = kind.model_fields
        self._secret_names = secret_names
        self.defaults = {
            name: field.default.value if isinstance(field.default, enum.Enum) else field.default
            for name, field in self.by_name.items()
        }
        self.secrets = dict(self._known_secrets())

    def is_secret(self, name: str) -> bool:
        words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
        return self._secret_names.search(words) is not None

    def _known_secrets(self) -> Iterator[tuple[str, str]]:
        """The fields whose default is a secret that everybody can read, with it."""
        from pydantic import SecretBytes, SecretStr

        for name, value in self.defaults.items():
            hidden = isinstance(value, (SecretStr, SecretBytes))
            plain = value.get_secret_value() if hidden else value
            text = plain.decode(errors="replace") if isinstance(plain, bytes) else str(plain or "")
            if not isinstance(value, (str, bytes)) and not hidden and "://" not in text:
                continue
            if "://" in text:
                # An address is no secret, and the password in it is one.
                if _password(text):
                    yield name, text
            elif text and (hidden or self.is_secret(name)):
                yield name, text


def _password(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""


class _Trial:
    """Settings of production, made of strong secrets and whatever else the class requires.

    Attributes:
        problem: the reason why none could be made; "" where they could.
    """

    def __init__(self, fields: _Fields) -> None:
        self.fields = fields
        self.problem = ""
        self.environments = list(self._environments())
        self.values = {name: self._strong(name) for name in fields.secrets}
        for name, field in fields.by_name.items():
            is_unset_secret = fields.is_secret(name) and name not in self.values and field.annotation is str
            if field.is_required() or is_unset_secret:
                self.values[name] = secrets.token_urlsafe(48)
        tried: dict[str, int] = {}
        for _ in range(_ROUNDS):
            wrong = self._refused(self.values, self.environments[0])
            if wrong is None:
                return
            again = [name for name in wrong if name in fields.by_name and tried.get(name, 0) < len(_TRIES)]
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
        return next((each[1] for each in self.environments if self._refused(values, each) is None), "")

    def _environments(self) -> Iterator[tuple[str, str]]:
        """The field that names the environment, with each of its values that is production or like it."""
        found = []
        for name, field in self.fields.by_name.items():
            if not _ENVIRONMENT.fullmatch(name):
                continue
            values = _choices(field.annotation)
            found += [(name, each) for like in _PRODUCTION for each in values if str(each).lower() == like]
            if not values and field.annotation is str:
                found.append((name, _PRODUCTION[0]))
        yield from found or [("", "production, which it cannot tell from any other")]

    def _strong(self, name: str) -> str:
        default = self.fields.secrets[name]
        if "://" not in default:
            return secrets.token_urlsafe(48)
        return default.replace(f":{_password(default)}@", f":{secrets.token_urlsafe(48)}@")

    def _refused(self, values: dict[str, str], environment: tuple[str, str]) -> list[str] | None:
        """The fields that are refused, "" for the whole; None where nothing is."""
        from pydantic import ValidationError

        kind = self.fields.kind
        given = {self._key(name): value for name, value in values.items()}
        if environment[0]:
            given[self._key(environment[0])] = environment[1]
        try:
            # Not by calling the class: that would read the environment and files.
            kind.__pydantic_validator__.validate_python(given, self_instance=kind.__new__(kind))
        except ValidationError as error:
            return [self._field(str(each["loc"][0])) if each["loc"] else "" for each in error.errors()]
        except Exception:
            return [""]  # a validator of the project's own refuses as it likes
        return None

    def _key(self, name: str) -> str:
        from pydantic import AliasChoices

        alias = self.fields.by_name[name].validation_alias
        if isinstance(alias, AliasChoices):
            alias = alias.choices[0]
        return alias if isinstance(alias, str) else name

    def _field(self, key: str) -> str:
        return next((name for name in self.fields.by_name if key in (name, self._key(name))), key)


def _choices(annotation: Any) -> list[str]:
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return [str(each.value) for each in annotation]
    if typing.get_origin(annotation) is typing.Literal:
        return [str(each) for each in typing.get_args(annotation)]
    return [value for each in typing.get_args(annotation) for value in _choices(each)]
