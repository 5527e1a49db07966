"""Judging of pydantic models: what a request's model takes is found out by having it validate samples, and what a response's shows."""

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
from typing import Any, NamedTuple
from uuid import UUID

from ._routing import library
from ._world import NOWHERE, Place, World

_pydantic = library("pydantic")
BaseModel: Any = getattr(_pydantic, "BaseModel", None)
if not hasattr(BaseModel, "model_fields"):
    BaseModel = None  # no pydantic, or one before 2.0, whose models are not looked at
SecretBytes: Any = getattr(_pydantic, "SecretBytes", None)
SecretStr: Any = getattr(_pydantic, "SecretStr", None)
TypeAdapter: Any = getattr(_pydantic, "TypeAdapter", None)
ValidationError: Any = getattr(_pydantic, "ValidationError", None)
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
#: `int | None` is of a type of its own since Python 3.10.
_UNIONS = (typing.Union, getattr(types, "UnionType", typing.Union))
_OPTIONAL_TEXT = {str, type(None)}
_TEXTS = ("a", "aaaaaaaaaaaa", "someone@example.com", "https://example.com/", "A", "1", "AA", "en", "EUR", "#aabbcc")


class Range(NamedTuple):
    """Two names that are the ends of a range."""

    lower: str
    upper: str
    kind: type


def models_of(annotation: Any, seen: set[Any] | None = None) -> Iterator[Any]:
    """The models that an annotation is made of, those inside of them included."""
    seen = set() if seen is None else seen
    for each in _parts(annotation):
        if BaseModel is not None and _is_class(each) and issubclass(each, BaseModel) and each not in seen:
            seen.add(each)
            yield each
            for field in each.model_fields.values():
                yield from models_of(field.annotation, seen)


def _is_class(annotation: Any) -> bool:
    # `list[int]` says of itself that it is a type before Python 3.11.
    return isinstance(annotation, type) and not typing.get_origin(annotation)


def _parts(annotation: Any) -> Iterator[Any]:
    """An annotation, and what is in its brackets."""
    yield annotation
    for each in typing.get_args(annotation):
        yield from _parts(each)


def location_of_field(model: type, name: str, world: World) -> Place:
    """Location of a field's declaration, in the class that declares it last."""
    owner = next((each for each in model.__mro__ if name in vars(each).get("__annotations__", ())), model)
    found = world.line_of(owner, name)
    return found if found != NOWHERE else world.class_line(owner)


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
    """Kind of the values that can be the ends of a range; None for others."""
    if typing.get_origin(annotation) in _UNIONS:
        kinds = {kind for each in typing.get_args(annotation) if each is not type(None) and (kind := _kind(each))}
        return kinds.pop() if len(kinds) == 1 else None
    if typing.get_origin(annotation) is typing.Annotated:
        return _kind(typing.get_args(annotation)[0])
    if not _is_class(annotation) or issubclass(annotation, (bool, enum.Enum)):
        return None
    # A datetime is a date too, so it is asked for first.
    for kind in (datetime, date, int, float, Decimal):
        if issubclass(annotation, kind):
            return kind if kind in (datetime, date) else float
    return None


def range_problem(model: Any, found: Range) -> str:
    """Description of the values that a model takes and that are no range; empty where it refuses them or no sample fills it."""
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
    today = date.today()  # noqa: DTZ011 - a sample, whose hour does not matter
    days = [today - timedelta(days=9), today + timedelta(days=30), date(2024, 1, 2)]
    return [(begin, end) for day in days for begin, end in _written(kind, day, day + timedelta(days=1))]


def _long(kind: type) -> list[tuple[Any, Any]]:
    today = date.today()  # noqa: DTZ011 - a sample, whose hour does not matter
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
        adapter = TypeAdapter(annotation)
    except Exception:  # whatever pydantic or the project's own types raise, there is no sample
        return ...
    for value in _candidates(annotation, deep):
        try:
            adapter.validate_python(value)
        except Exception:  # noqa: S112 - the project's own validators may raise anything
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
    elif origin in _UNIONS:
        for each in arguments:
            yield from _candidates(each, deep + 1)
    elif origin is typing.Literal:
        yield arguments[0]
    elif _is_class(annotation) and issubclass(annotation, enum.Enum):
        yield from (each.value for each in annotation)
    elif _is_class(annotation) and issubclass(annotation, BaseModel):
        yield _samples(annotation.model_fields, deep + 1)
    elif (origin or annotation) in (list, set, frozenset, tuple) or inspect.isclass(origin):
        yield []
        if arguments and (inner := _sample(arguments[0], deep + 1)) is not ...:
            yield [inner]
        yield {}
    elif annotation is bool:
        yield True
    elif _is_class(annotation) and issubclass(annotation, (datetime, date)):
        yield from ("2024-01-01", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00", "2099-01-01", "2099-01-01T00:00:00Z")
    elif annotation is UUID:
        yield "00000000-0000-4000-8000-00000000000a"
    else:
        yield from (*_TEXTS, 1, 0, 10, 1.5, "1.5", {}, [], None)


def _takes(model: Any, sample: Mapping[str, Any]) -> bool:
    try:
        model.model_validate(sample)
    except ValidationError:
        return False
    except Exception:  # the project's own validators may raise anything, and a request is refused with it
        return False
    return True


def largest_number(annotation: Any, metadata: Any) -> bool:
    """Decide whether a parameter takes any number: ten million comes out as it went in."""
    try:
        adapter = TypeAdapter(typing.Annotated[(annotation, *metadata)] if metadata else annotation)
        return bool(adapter.validate_python("10000000") == 10_000_000)
    except Exception:  # refused, whatever with
        return False


def largest_of_field(model: Any, name: str) -> bool:
    """Decide whether a field of a model takes any number."""
    rest = {each: field for each, field in model.model_fields.items() if each != name}
    body = _samples(rest)
    if body is None:
        field = model.model_fields[name]
        return largest_number(field.annotation, field.metadata)
    try:
        made = model.model_validate({**body, _key(model.model_fields, name): 10_000_000})
    except Exception:  # refused, whatever with
        return False
    return bool(getattr(made, name) == 10_000_000)


def is_number(annotation: Any) -> bool:
    """Decide whether an annotation is a whole number, or may be one."""
    return any(each is int for each in _parts(annotation))


# Responses


def texts(annotation: Any) -> Iterator[tuple[type, str, str]]:
    """The texts in a response that are shown: the class, the field, and the name that a client sees."""
    for model in models_of(annotation):
        for name, field in model.model_fields.items():
            if field.exclude is not True and _is_text(field.annotation):
                yield model, name, field.serialization_alias or name
    for each in _parts(annotation):
        if dataclasses.is_dataclass(each) and isinstance(each, type):
            for own in dataclasses.fields(each):
                if (
                    own.type in (str, "str", "str | None", "Optional[str]")
                    or set(typing.get_args(own.type)) == _OPTIONAL_TEXT
                ):
                    yield each, own.name, own.name


def _is_text(annotation: Any) -> bool:
    parts = [each for each in _parts(annotation) if _is_class(each)]
    hidden = any(issubclass(each, (SecretStr, SecretBytes)) for each in parts)
    return not hidden and any(issubclass(each, (str, bytes)) and not issubclass(each, enum.Enum) for each in parts)


def shows_everything(annotation: Any) -> bool:
    """Decide whether a response of this annotation shows each attribute that it is given."""
    if any(annotation is each for each in (Any, object, dict, list, BaseModel)):
        return True
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in _UNIONS:
        return any(shows_everything(each) for each in arguments if each is not type(None))
    if origin is typing.Annotated:
        return shows_everything(arguments[0])
    return origin in (dict, list) and shows_everything(arguments[-1])


def is_list(annotation: Any) -> bool:
    """Decide whether a response of this annotation is a list."""
    origin = typing.get_origin(annotation)
    if not isinstance(origin, type):
        return False
    return issubclass(origin, (list, tuple, set, frozenset)) or origin.__qualname__ in ("Sequence", "Iterable")
