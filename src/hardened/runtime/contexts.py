"""The entries of a routing table with what they were included with, in the order in which they answer.

FastAPI includes routers lazily: a loop over `app.routes` sees nothing below them and passes. What sees it is
`iter_route_contexts`; a FastAPI that has no such function is of a time in which including was copying, so there the
table itself is whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import routing
from starlette.routing import BaseRoute


def contexts(routes: Sequence[BaseRoute]) -> Iterator[Any]:
    """Each route with `original_route` and all that it takes and gives."""
    listed = getattr(routing, "iter_route_contexts", None)
    yield from listed(routes) if listed else map(_Whole, routes)


def shows_included() -> bool:
    """Whether what was included lazily can be seen."""
    return hasattr(routing, "iter_route_contexts")


class _Whole:
    """A route that has everything itself."""

    def __init__(self, route: BaseRoute) -> None:
        self.original_route = route

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original_route, name)
