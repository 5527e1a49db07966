"""Facts from models: what a request's may hold is found out by having them validate samples, and what a response's shows."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel, SecretBytes, SecretStr, TypeAdapter, ValidationError

from ..model import NOWHERE, Location

ENDLESS = 36_525
"""The days of a century: nobody asks for more, and mostly for less."""
#: Words that begin and end a range, with the kinds of values that make one of them.
_MOMENTS = (
    ("start", "end"),
    ("starts", "ends"),
    ("started", "ended"),
    ("begin", "end"),
    ("begins", "ends"),
    ("start", "stop"),
    ("from", "to"),
    ("from", "until"),
    ("from", "till"),
    ("since", "until"),
    ("after", "before"),
    ("first", "last"),
    ("earliest", "latest"),
    ("oldest", "newest"),
    ("min", "max"),
    ("lower", "upper"),
)
_NUMBERS = (("min", "max"), ("minimum", "maximum"), ("lower", "upper"), ("lowest", "highest"), ("least", "most"))
_MEASURES = {"year", "month", "week", "day", "hour", "minute", "age", "price", "amount", "quantity", "value", "page"}
_TEXTS = ("a", "aaaaaaaaaaaa", "someone@example.com", "https://example.com/", "A", "1", "AA", "en", "EUR", "#aabbcc")


class Range(NamedTuple):
    """Two fields of a model that are the ends of a range."""

    lower: str
    upper: str
    kind: type


def models_of(annotation: Any, seen: set[Any] | None = None) -> Iterator[type[BaseModel]]:
    """The models that an annotation is made of, those inside of them included."""
    seen = set() if seen is None else seen
    for each in _parts(annotation):
        if isinstance(each, type) and issubclass(each, BaseModel) and each not in seen:
            seen.add(each)
            yield each
            for field in each.model_fields.values():
                yield from models_of(field.annotation, seen)


def _parts(annotation: Any) -> Iterator[Any]:
    """An annotation, and what is in its brackets."""
    yield annotation
    for each in typing.get_args(annotation):
        yield from _parts(each)


def location_of_field(model: type, name: str, root: Path) -> Location:
    """The line in which a field is declared, else that of its class."""
    for owner in model.__mro__:
        if owner is not model and name not in inspect.get_annotations(owner):
            continue
        try:
            lines, first = inspect.getsourcelines(owner)
            file = inspect.getsourcefile(owner) or ""
        except (OSError, TypeError):
            continue
        line = next((number for number, text in enumerate(lines) if re.match(rf"\s+{re.escape(name)}\s*:", text)), None)
        if line is not None:
            return Location.of(root, file, first + line)
        if name in inspect.get_annotations(owner):
            return Location.of(root, file, first)
    return NOWHERE


# Ranges


def pairs(kinds: Mapping[str, Any]) -> Iterator[Range]:
    """The names among these that are the ends of a range, by what their annotations are."""
    kinds = {name: kind for name, annotation in kinds.items() if (kind := _kind(annotation))}
    split = {name: tuple(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().strip("_").split("_")) for name in kinds}
    for lower, words in split.items():
        known = _MOMENTS if kinds[lower] in (date, datetime) or not _MEASURES.isdisjoint(words) else _NUMBERS
        for begin, end in known:
            if begin in words:
                wanted = tuple(end if word == begin else word for word in words)
                upper = next((name for name, other in split.items() if other == wanted), None)
                if upper is not None and kinds[upper] is kinds[lower]:
                    yield Range(lower, upper, kinds[lower])
                    break


def _kind(annotation: Any) -> type | None:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        kinds = {kind for each in typing.get_args(annotation) if each is not type(None) and (kind := _kind(each))}
        return kinds.pop() if len(kinds) == 1 else None
    if typing.get_origin(annotation) is typing.Annotated:
        return _kind(typing.get_args(annotation)[0])
    if not isinstance(annotation, type) or issubclass(annotation, (bool, enum.Enum)):
        return None
    # A datetime is a date too, so it is asked for first.
    for kind in (datetime, date, int, float, Decimal):
        if issubclass(annotation, kind):
            return kind if kind in (datetime, date) else float
    return None


def range_problem(model: type[BaseModel], found: Range) -> str:
    """What a model takes that is no range; empty where it refuses it, or where no sample of it is right."""
    fields = model.model_fields
    rest = {name: field for name, field in fields.items() if name not in (found.lower, found.upper)}
    body = _samples(rest)
    if body is None:
        return ""
    low, high = _key(fields, found.lower), _key(fields, found.upper)
    good = [(begin, end) for begin, end in _ends(found.kind) if _takes(model, {**body, low: begin, high: end})]
    if not good:
        return ""
    for begin, end in good:
        if _takes(model, {**body, low: end, high: begin}):
            return f"takes {found.lower}={end} with {found.upper}={begin}, which is before it"
    required = fields[found.lower].is_required() and fields[found.upper].is_required()
    if found.kind not in (date, datetime) or not required:
        return ""
    for begin, end in _long(found.kind):
        if _takes(model, {**body, low: begin, high: end}):
            return f"takes a range of {ENDLESS:,} days, from {begin} to {end}"
    return ""


def _ends(kind: type) -> list[tuple[Any, Any]]:
    """Pairs that most rules take: in the past, around now, in the future; small numbers and larger ones."""
    if kind not in (date, datetime):
        return [(1, 2), (0, 1), (10, 20), (100, 200), (0.1, 0.2), ("1", "2")]
    today = date.today()  # noqa: DTZ011 - a sample; the hour does not matter
    days = [today - timedelta(days=9), today + timedelta(days=30), date(2024, 1, 2)]
    return [(begin, end) for day in days for begin, end in _written(kind, day, day + timedelta(days=1))]


def _long(kind: type) -> list[tuple[Any, Any]]:
    today = date.today()  # noqa: DTZ011 - a sample
    begins = [date(2000, 1, 1), date(1900, 1, 1), today - timedelta(days=ENDLESS + 9), today + timedelta(days=9)]
    return [pair for day in begins for pair in _written(kind, day, day + timedelta(days=ENDLESS))]


def _written(kind: type, begin: date, end: date) -> list[tuple[str, str]]:
    if kind is date:
        return [(begin.isoformat(), end.isoformat())]
    return [(f"{begin}T00:00:00{zone}", f"{end}T00:00:00{zone}") for zone in ("Z", "")]


# Samples


def _samples(fields: Mapping[str, Any], deep: int = 0) -> dict[str, Any] | None:
    """A value for each field that needs one; None where one has no value that is known to be right."""
    found = {}
    for name, field in fields.items():
        if not field.is_required():
            continue
        value = _sample(
            typing.Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation, deep
        )
        if value is ...:
            return None
        found[_key(fields, name)] = value
    return found


def _key(fields: Mapping[str, Any], name: str) -> str:
    alias = fields[name].validation_alias or fields[name].alias
    return alias if isinstance(alias, str) else name


def _sample(annotation: Any, deep: int) -> Any:
    """A value that an annotation takes; `...` where none is found."""
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    except Exception:  # noqa: BLE001 - whatever pydantic or the project's own types raise, there is no sample
        return ...
    for value in _candidates(annotation, deep):
        try:
            adapter.validate_python(value)
        except Exception:  # noqa: BLE001, S112 - the project's own validators may raise anything
            continue
        return value
    return ...


def _candidates(annotation: Any, deep: int) -> Iterator[Any]:
    if deep > 4:
        return
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        yield from _candidates(arguments[0], deep + 1)
        yield from (number for number in (1, 10, 100, 1000, "a" * 20, "a" * 64))
    elif origin in (typing.Union, types.UnionType):
        for each in arguments:
            yield from _candidates(each, deep + 1)
    elif origin is typing.Literal:
        yield arguments[0]
    elif isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        yield from (each.value for each in annotation)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield _samples(annotation.model_fields, deep + 1)
    elif (origin or annotation) in (list, set, frozenset, tuple) or inspect.isclass(origin):
        yield []
        if arguments and (inner := _sample(arguments[0], deep + 1)) is not ...:
            yield [inner]
        yield {}
    elif annotation is bool:
        yield True
    elif isinstance(annotation, type) and issubclass(annotation, (datetime, date)):
        yield from ("2024-01-01", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00", "2099-01-01", "2099-01-01T00:00:00Z")
    elif annotation is UUID:
        yield "00000000-0000-4000-8000-00000000000a"
    else:
        yield from (*_TEXTS, 1, 0, 10, 1.5, "1.5", {}, [], None)


def _takes(model: type[BaseModel], sample: Mapping[str, Any]) -> bool:
    try:
        model.model_validate(sample)
    except ValidationError:
        return False
    except Exception:  # noqa: BLE001 - the project's own validators may raise anything, and a request is refused with it
        return False
    return True


def largest_number(annotation: Any, metadata: list[Any]) -> bool:
    """Whether a parameter takes any number: it is one of ten million that comes out as it went in."""
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(typing.Annotated[(annotation, *metadata)] if metadata else annotation)
        return bool(adapter.validate_python("10000000") == 10_000_000)
    except Exception:  # noqa: BLE001 - refused, whatever with
        return False


def largest_of_field(model: type[BaseModel], name: str) -> bool:
    """Whether a field of a model takes any number."""
    rest = {each: field for each, field in model.model_fields.items() if each != name}
    body = _samples(rest)
    if body is None:
        field = model.model_fields[name]
        return largest_number(field.annotation, field.metadata)
    try:
        made = model.model_validate({**body, _key(model.model_fields, name): 10_000_000})
    except Exception:  # noqa: BLE001 - refused, whatever with
        return False
    return bool(getattr(made, name) == 10_000_000)


def is_number(annotation: Any) -> bool:
    """Whether it is a whole number, or may be one."""
    return any(each is int for each in _parts(annotation))


# Responses

_SECRETS = {"password", "passwd", "pwd", "passphrase", "secret", "token", "passcode"}
_KEYS = {"api", "private", "secret", "access", "signing", "encryption", "license"}
_HASHED = {"password", "passwd", "pwd", "pw", "token", "secret", "pin"}
_HARMLESS = {"next", "previous", "page", "cursor", "continuation", "sync", "csrf"}


def is_secret(name: str) -> bool:
    """Whether a name is that of a secret: `api_key`, `hashed_password`, `reset_token`; not `token_type`, `next_token`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_").split("_")
    joined = "_".join(words)
    last, before = words[-1], words[:-1]
    if last in _SECRETS:
        return last != "token" or not _HARMLESS.intersection(before)
    if joined in ("apikey", "secretkey", "privatekey", "accesstoken", "refreshtoken"):
        return True
    if last == "key" and before and before[-1] in _KEYS:
        return True
    return last in ("hash", "hashed", "digest") and bool(_HASHED.intersection(before))


def secret_fields(annotation: Any, hidden: set[str]) -> Iterator[tuple[type, str]]:
    """The fields of a response that are secrets and texts, with the class that has them."""
    for model in models_of(annotation):
        for name, field in model.model_fields.items():
            shown = field.exclude is not True and name not in hidden
            if shown and is_secret(field.serialization_alias or name) and _is_text(field.annotation):
                yield model, name
    for each in _parts(annotation):
        if dataclasses.is_dataclass(each) and isinstance(each, type):
            for own in dataclasses.fields(each):
                if is_secret(own.name) and own.type in (str, "str", str | None, "str | None"):
                    yield each, own.name


def _is_text(annotation: Any) -> bool:
    parts = [each for each in _parts(annotation) if isinstance(each, type)]
    hidden = any(issubclass(each, (SecretStr, SecretBytes)) for each in parts)
    return not hidden and any(issubclass(each, (str, bytes)) and not issubclass(each, enum.Enum) for each in parts)


def shows_everything(annotation: Any) -> bool:
    """Whether a response of this annotation shows whatever it is given."""
    if annotation in (Any, object, dict, list, BaseModel):
        return True
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return any(shows_everything(each) for each in arguments if each is not type(None))
    if origin is typing.Annotated:
        return shows_everything(arguments[0])
    return origin in (dict, list) and shows_everything(arguments[-1])
