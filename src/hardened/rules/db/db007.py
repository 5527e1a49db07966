"""DB007: a transaction that is begun or ended by hand."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, NotConfigured, Rule, option
from ...source.nodes import is_within
from ...source.sessions import Sessions


class DB007(Rule):
    """A transaction that is begun or ended by hand.

    Found are `commit`, `rollback` and `begin` of a session, a connection, an engine or a transaction of SQLAlchemy, called,
    passed on or kept under another name, and SQL that does the same (`text("COMMIT")`), in every module of the package
    that `commits` does not name. The type or origin of an object decides; where there is neither, its name does (`db`,
    `session`, `conn`, ...). Quiet are savepoints (`begin_nested`), and the commits of other objects: a consumer, a
    repository.
    """

    common_subjects = True

    commits: tuple[str, ...] = option(default=(), help="modules that begin and end transactions")

    def check(self, sessions: Sessions) -> Iterator[Finding]:
        allowed = self.commits
        if not allowed:
            raise NotConfigured("no `commits` in [tool.hardening]: the modules that begin and end transactions")
        for each in sessions.ends():
            if not is_within(each.module, allowed):
                yield self.finding(
                    f"{each.name} {'begins' if each.how == 'begin' else 'ends'} a transaction by hand, so an error "
                    "after it leaves half of the work behind",
                    each.location,
                    each.name,
                    hint=f"leave that to {allowed[0]}, or use begin_nested()",
                )
