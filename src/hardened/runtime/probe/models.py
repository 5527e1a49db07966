"""Section `mapped`: the mapped classes, and the columns that their attributes stand for."""

from __future__ import annotations

from typing import Any

from ._metadata import mappers_of, metadata_of, properties_of
from ._world import World
from .tables import column_of


def gather(world: World) -> list[dict[str, Any]]:
    """The mapped classes, each as the record `Mapped`."""
    found = []
    for mapper in mappers_of(world, metadata_of(world)):
        attributes = {}
        for each in properties_of(mapper, "columns"):
            if hasattr(each.columns[0], "table"):
                column = column_of(each.columns[0])
                # A validator of the class bounds the values of its attribute.
                attributes[each.key] = {**column, "bits": 0} if each.key in mapper.validators else column
        name = f"{mapper.class_.__module__}.{mapper.class_.__qualname__}"
        found.append({"name": name, "table": getattr(mapper.local_table, "name", ""), "attributes": attributes})
    return found
