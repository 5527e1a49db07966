"""Section `loading`: the attributes of mapped classes that query the database when they are read."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Mapper

from ._metadata import mappers_of, metadata_of, properties_of
from ._world import NOWHERE, Place, World

#: The loading of a relationship that queries when it is read, or once for each row.
LAZY = ("select", True, "dynamic", "immediate")


def gather(world: World) -> list[dict[str, Any]]:
    """The attributes, each as the record `Loading`."""
    found = []
    for mapper in mappers_of(world, metadata_of(world)):
        lazy = [(each, f"lazy={each.lazy!r}") for each in properties_of(mapper, "relationships") if each.lazy in LAZY]
        lazy += [
            (each, "deferred") for each in properties_of(mapper, "columns") if each.deferred and not each.raiseload
        ]
        for each, how in lazy:
            if each.parent is mapper:
                name = f"{mapper.class_.__name__}.{each.key}"
                found.append({"name": name, "how": how, "location": _location(world, mapper, each)})
    return found


def _location(world: World, mapper: Mapper[Any], attribute: Any) -> Place:
    """Location of an attribute, of the backref that made it, or else of the class."""
    # A backref is written down at the other class.
    others = [(each.parent.class_, each.key) for each in getattr(attribute, "_reverse_property", ())]
    for owner, name in [(mapper.class_, attribute.key), *others]:
        if (found := world.declared(owner, name)) != NOWHERE:
            return found
    return world.class_line(mapper.class_)
