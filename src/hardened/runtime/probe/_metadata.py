"""The project's metadata and mappers, as several sections read them."""

from __future__ import annotations

import contextlib
from typing import Any

from sqlalchemy import MetaData
from sqlalchemy.orm import ColumnProperty, Mapper, RelationshipProperty, configure_mappers, registry

from ._guard import words
from ._world import NOWHERE, Place, Unreadable, World


def metadata_of(world: World) -> MetaData:
    """The metadata at the configured address.

    Raises:
        Absent: the configuration names none.
        Unreadable: it cannot be imported, or is something else.
    """
    metadata = world.there("metadata")
    if not isinstance(metadata, MetaData):
        raise Unreadable(f"the metadata is a {type(metadata).__name__}, not a sqlalchemy.MetaData")
    return metadata


def mappers_of(world: World, metadata: MetaData) -> list[Mapper[Any]]:
    """The mappers of the metadata's tables, by the dotted names of their classes."""
    mappers = {mapper for each in _registries(world) for mapper in each.mappers}
    own = [each for each in mappers if getattr(each.local_table, "metadata", None) is metadata]
    return sorted(own, key=lambda mapper: (mapper.class_.__module__, mapper.class_.__qualname__))


def _registries(world: World) -> list[registry]:
    found: dict[int, registry] = {}
    for _, namespace in world.project_modules():
        for value in namespace.values():
            kind = type(value)
            held = [value]
            if issubclass(kind, type):
                # Through `vars`, since a metaclass may compute its attributes.
                held = [vars(each).get(name) for each in value.__mro__ for name in ("registry", "_sa_registry")]
            for each in held:
                if issubclass(type(each), registry):
                    found[id(each)] = each
    return list(found.values())


class Declarations:
    """Locations at which tables and their columns are declared."""

    def __init__(self, world: World, metadata: MetaData) -> None:
        self._world = world
        self._classes: dict[Any, type] = {}
        for mapper in mappers_of(world, metadata):
            if mapper.inherits is None or mapper.inherits.local_table is not mapper.local_table:
                self._classes[mapper.local_table] = mapper.class_

    def location(self, table: Any, name: str) -> Place:
        """Location of a name in the class that is mapped to a table, else of the class; NOWHERE for a bare table."""
        owner = self._classes.get(table)
        if owner is None:
            return NOWHERE
        exact = self._world.line_of(owner, name)
        return exact if exact != NOWHERE else self._world.class_line(owner)


def properties_of(mapper: Mapper[Any], kind: str) -> list[Any]:
    """The `columns` or the `relationships` of a mapper.

    Raises:
        Unreadable: the mapped classes do not fit together, such as a relationship to an unknown class.
    """
    # Relationships and their other sides are known only then; a listener of the project's may fail.
    with contextlib.suppress(Exception):
        configure_mappers()
    wanted = ColumnProperty if kind == "columns" else RelationshipProperty
    try:
        return [each for each in mapper.iterate_properties if isinstance(each, wanted)]
    except Exception as error:
        raise Unreadable(f"the mapped classes do not fit together: {words(error)}") from error
