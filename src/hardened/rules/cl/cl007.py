"""CL007: a store in the process that grows with what requests bring, and never forgets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model import Finding, Rule
from ...source.stores import Store


class CL007(Rule):
    """A store in the process that grows with what requests bring, and never forgets.

    A dictionary, list or set of a module, of a class, or of an object that a module keeps, to which functions write
    while the service runs; `functools.cache` or `lru_cache(maxsize=None)` on a function that a request or job calls
    with data; a cache of cachetools or aiocache without a time to live.
    Quiet are: what only imports and the start fill (registries, decorators, a lifespan); constants; constant keys and
    classes as keys; a `deque` with `maxlen`; weak references; context variables; what is taken out by who put it in
    (`finally`, `add_done_callback`); a `cache` without arguments.
    """

    def check(self, stores: Sequence[Store]) -> Iterator[Finding]:
        for store in stores:
            written = f", written to at {store.writer}" if store.writer else ""
            yield self.finding(
                f"{store.name} is {store.what}{written}: it grows with each request, is lost with the process, and the "
                "next process has another",
                store.location,
                store.name,
                hint="keep it in the database, or in a cache with a time to live",
            )
