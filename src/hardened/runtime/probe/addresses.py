"""Section `addresses`: the function, class or object that each configured address names."""

from __future__ import annotations

from typing import Any

from ._code import CodeRefs
from ._world import World

#: The keys of the configuration whose addresses are looked up.
KEYS = ("authentication", "body-limits", "owner-helpers", "secret-responses")


def gather(world: World) -> dict[str, dict[str, Any] | None]:
    """Reference to the thing that each address names; None for one that names nothing."""
    refs = CodeRefs(world)
    config = world.request["config"]
    found = {address: world.find(address) for key in KEYS for address in config.get(key, ())}
    return {address: None if thing is None else refs.of(thing) for address, thing in found.items()}
