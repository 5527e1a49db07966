"""Facts from the mapped classes: what their attributes stand for, and which of them load when they are read."""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData
from sqlalchemy.orm import ColumnProperty, Mapper, RelationshipProperty, configure_mappers, registry

from ..model import NOWHERE, CouldNotLook, Location, belongs
from ..records import Loading, Mapped
from .tables import column_of

#: How a relationship that asks the database when it is read, or once for each row, is declared.
TOUCHED = ("select", True, "dynamic", "immediate")


def mapped(metadata: object, root: Path) -> list[Mapped]:
    """The mapped classes, the names of their attributes and the columns behind these."""
    found = []
    for mapper in _mappers(metadata, root):
        validated = set(mapper.validators)
        attributes = {}
        for each in _of(mapper, ColumnProperty):
            column = column_of(each.columns[0]) if hasattr(each.columns[0], "table") else None
            if column is not None:
                # What a validator of the class looks at has its bound there.
                attributes[each.key] = column if each.key not in validated else type(column)(column.name, column.kind)
        name = f"{mapper.class_.__module__}.{mapper.class_.__qualname__}"
        found.append(Mapped(name, getattr(mapper.local_table, "name", ""), attributes))
    return found


def loading(metadata: object, root: Path) -> list[Loading]:
    """The attributes that load when they are read."""
    found = []
    for mapper in _mappers(metadata, root):
        name = mapper.class_.__name__
        for each in _of(mapper, RelationshipProperty):
            if each.parent is mapper and each.lazy in TOUCHED:
                location = functools.partial(_place, mapper.class_, each, root)
                found.append(Loading(f"{name}.{each.key}", f"lazy={each.lazy!r}", location))
        for each in _of(mapper, ColumnProperty):
            if each.parent is mapper and each.deferred and not each.raiseload:
                location = functools.partial(_place, mapper.class_, each, root)
                found.append(Loading(f"{name}.{each.key}", "deferred", location))
    return found


def _mappers(metadata: object, root: Path) -> list[Mapper[Any]]:
    if not isinstance(metadata, MetaData):
        raise CouldNotLook(f"the metadata is a {type(metadata).__name__}, not a sqlalchemy.MetaData")
    # Relationships and their other sides are known only then; whoever listens to it may have objections of his own.
    with contextlib.suppress(Exception):
        configure_mappers()
    registries: dict[int, registry] = {}
    for module in list(sys.modules.values()):
        if belongs(root, getattr(module, "__file__", None) or "/"):
            for value in list(vars(module).values()):
                of = getattr(value, "registry", None) if isinstance(value, type) else value
                if isinstance(of, registry):
                    registries[id(of)] = of
    mappers = {mapper for each in registries.values() for mapper in each.mappers}
    own = [each for each in mappers if getattr(each.local_table, "metadata", None) is metadata]
    return sorted(own, key=lambda mapper: (mapper.class_.__module__, mapper.class_.__qualname__))


def _of(mapper: Mapper[Any], kind: type[Any]) -> Iterator[Any]:
    try:
        yield from (each for each in mapper.iterate_properties if isinstance(each, kind))
    except Exception as error:
        raise CouldNotLook(f"the mapped classes do not fit together: {error}") from error


def _place(owner: type, attribute: Any, root: Path) -> Location:
    """The line of an attribute, of what made it as its other side, or else of the class."""
    lines = [_line(owner, attribute.key, root)]
    # A backref is written down at the other class.
    lines += [_line(each.parent.class_, each.key, root) for each in getattr(attribute, "_reverse_property", ())]
    exact = [location for location, written in lines if written]
    return exact[0] if exact else lines[0][0]


def _line(owner: type, name: str, root: Path) -> tuple[Location, bool]:
    """The line at which a class or one of its bases writes a name, else of the class; and which of the two."""
    first = NOWHERE
    for each in owner.__mro__:
        try:
            lines, start = inspect.getsourcelines(each)
            file = inspect.getsourcefile(each) or ""
        except (OSError, TypeError):
            continue
        if not belongs(root, file):
            continue
        first = first if first.file else Location.of(root, file, start)
        for number, line in enumerate(lines):
            if re.match(rf"\s+(?:def\s+)?{re.escape(name)}\b\s*[:=(]", line):
                return Location.of(root, file, start + number), True
    return first, False
