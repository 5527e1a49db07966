"""The pydantic models in the project's modules, with the fields that take what no job can use."""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterator
from typing import Any

from ._world import World

_LISTS = (list, tuple, set, frozenset)


def gather(world: World) -> list[dict[str, Any]]:
    """Return `records.settings.Model`s, without those that have nothing to report and nothing in them."""
    base = getattr(sys.modules.get("pydantic"), "BaseModel", None)
    if not isinstance(base, type) or not hasattr(base, "model_fields"):
        return []  # nothing imports pydantic, or it is pydantic 1
    names: dict[type, dict[str, None]] = {}
    for module_name, namespace in world.project_modules():
        for attribute, value in namespace.items():
            # By the type of the value: a lazy object would wake when it is asked for its class.
            if issubclass(type(value), type) and value is not base and issubclass(value, base):
                own = f"{value.__module__}.{value.__qualname__}"
                names.setdefault(value, {own: None})[f"{module_name}.{attribute}"] = None
    pending, found = list(names), []
    while pending:
        model: Any = pending.pop()
        inner = list(dict.fromkeys(each for field in model.model_fields.values() for each in _models(field.annotation)))
        for each in inner:
            if each not in names:
                names[each] = {f"{each.__module__}.{each.__qualname__}": None}
                pending.append(each)
        open_fields = list(_open_fields(world, model))
        if open_fields or inner:
            models = [next(iter(names[each])) for each in inner]
            found.append({"names": list(names[model]), "open_fields": open_fields, "models": models})
    return found


def _open_fields(world: World, model: Any) -> Iterator[dict[str, Any]]:
    """The fields of one model that take too much."""
    if model.model_config.get("extra") == "allow":
        yield {
            "name": model.__name__,
            "problem": "takes fields that it does not have",
            "hint": "forbid them",
            "location": world.declared(model, "model_config"),
        }
    for name, field in model.model_fields.items():
        problem, hint = "", ""
        if _is_open(field.annotation):
            problem, hint = f"is {_written(field.annotation)}, which takes anything", "give it a type"
        elif typing.get_origin(field.annotation) in _LISTS and field.is_required():
            least = [value for each in field.metadata if (value := getattr(each, "min_length", None)) is not None]
            if not least or least[0] < 1:
                problem, hint = "may be an empty list", "give it a min_length, or a default"
        if problem:
            location = world.declared(model, name)
            yield {"name": f"{model.__name__}.{name}", "problem": problem, "hint": hint, "location": location}


def _is_open(annotation: Any) -> bool:
    if any(annotation is each for each in (Any, object, dict, *_LISTS)):
        return True
    arguments = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if origin is dict:
        return len(arguments) == 2 and _is_open(arguments[1])
    if origin in _LISTS:
        return any(_is_open(each) for each in arguments if each is not ...)
    # Annotated's other arguments are no types.
    if arguments and hasattr(annotation, "__metadata__"):
        return _is_open(arguments[0])
    return origin is not typing.Literal and any(map(_is_open, arguments))


def _written(annotation: Any) -> str:
    is_plain = any(annotation is each for each in (dict, object, *_LISTS))
    return annotation.__name__ if is_plain else str(annotation).replace("typing.", "")


def _models(annotation: Any) -> Iterator[type]:
    """The models in an annotation."""
    if isinstance(annotation, type) and hasattr(annotation, "model_fields"):
        yield annotation
    for each in typing.get_args(annotation):
        yield from _models(each)
