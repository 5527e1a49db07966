"""Facts of the models that jobs are given: fields that take what no job can use."""

from __future__ import annotations

import inspect
import re
import sys
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..model import NOWHERE, Location
from ..project import Project

_LISTS = (list, tuple, set, frozenset)


@dataclass(frozen=True)
class OpenField:
    """A field that takes too much. `problem` says what, `advice` what to do."""

    name: str
    problem: str
    advice: str
    location: Location


def untyped_fields(project: Project, name: str) -> Iterator[OpenField]:
    """The fields of the model with this dotted name, and of the models in it, that take too much."""
    assert project.live is not None  # noqa: S101 - it imports the project
    module, _, attribute = name.rpartition(".")
    model = getattr(sys.modules.get(module), attribute, None)
    seen: set[type] = set()
    if isinstance(model, type):
        yield from _of(project, model, seen)


def _of(project: Project, model: type, seen: set[type]) -> Iterator[OpenField]:
    fields: dict[str, Any] | None = getattr(model, "model_fields", None)
    if fields is None or model in seen:
        return
    seen.add(model)
    if getattr(model, "model_config", {}).get("extra") == "allow":
        location = _place(project, model, "model_config")
        yield OpenField(model.__name__, "takes fields that it does not have", "forbid them", location)
    for name, field in fields.items():
        shown, location = f"{model.__name__}.{name}", _place(project, model, name)
        if _is_open(field.annotation):
            yield OpenField(shown, f"is {_told(field.annotation)}, which takes anything", "give it a type", location)
        elif typing.get_origin(field.annotation) in _LISTS and field.is_required():
            least = [value for each in field.metadata if (value := getattr(each, "min_length", None)) is not None]
            if not least or least[0] < 1:
                yield OpenField(shown, "may be an empty list", "give it a min_length, or a default", location)
        for inner in _models(field.annotation):
            yield from _of(project, inner, seen)


def _is_open(annotation: Any) -> bool:
    if annotation in (Any, object, dict, *_LISTS):
        return True
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is dict:
        return len(arguments) == 2 and _is_open(arguments[1])
    if typing.get_origin(annotation) in _LISTS:
        return any(_is_open(each) for each in arguments if each is not ...)
    if typing.get_origin(annotation) is typing.Annotated:
        return _is_open(arguments[0])
    return typing.get_origin(annotation) is not typing.Literal and any(map(_is_open, arguments))


def _told(annotation: Any) -> str:
    return annotation.__name__ if annotation in (dict, object, *_LISTS) else str(annotation).replace("typing.", "")


def _models(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type) and hasattr(annotation, "model_fields"):
        yield annotation
    for each in typing.get_args(annotation):
        yield from _models(each)


def _place(project: Project, model: type, name: str) -> Location:
    """The line of a field, in the class of the bases that declares it."""
    found = _written(model, rf"\s+{name}\b\s*[:=]")
    return next((Location.of(project.config.root, file, line) for file, line in found), NOWHERE)


def _written(owner: type, pattern: str) -> Iterator[tuple[str, int]]:
    """The lines of a class and of its bases that begin so: their files and numbers."""
    for each in owner.__mro__:
        try:
            lines, first = inspect.getsourcelines(each)
            file = inspect.getsourcefile(each) or ""
        except (OSError, TypeError):
            continue
        yield from ((file, number) for number, line in enumerate(lines, first) if re.match(pattern, line))
