"""DB003: a connection to a database that the service's settings know nothing of."""

from __future__ import annotations

from collections.abc import Iterator

from ...knowledge.databases import CONNECTS, DRIVERS, ENGINES
from ...model import Finding, Rule, option
from ...source.nodes import is_within, last_of
from ...source.tree import Source


class DB003(Rule):
    """A connection to a database that the service's settings know nothing of.

    Found are calls of a driver (`sqlite3.connect`, psycopg, asyncpg, ...) and of SQLAlchemy's `create_engine` and its like,
    under any name, outside of the modules that make engines, which `engines` names.
    Quiet are: an import for a type or an exception, and calls in tests and migrations.
    """

    common_subjects = True

    engines: tuple[str, ...] = option(default=(), help="modules that make engines")

    def check(self, source: Source) -> Iterator[Finding]:
        makers = self.engines
        hint = "use the session that is handed to you" + (f", or make the engine in {makers[0]}" if makers else "")
        for site in source.uses:
            root, _, rest = site.name.partition(".")
            opens = (root in DRIVERS and last_of(rest) in CONNECTS) or (root == "sqlalchemy" and site.last in ENGINES)
            if not opens or source.is_environment(site.location.file):
                continue
            if not is_within(site.module, makers):
                message = f"{site.name}() opens a database of its own, whatever DATABASE_URL says"
                yield self.finding(message, site.location, site.name, hint=hint)
