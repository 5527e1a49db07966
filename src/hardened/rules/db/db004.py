"""DB004: an upsert whose conflict target is no unique key of its table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model import DoesNotApply, Finding, Rule
from ...records.tables import Table
from ...source.statements import Statements, Upsert


class DB004(Rule):
    """An upsert whose conflict target is no unique key of its table.

    PostgreSQL refuses each such write; SQLite may hide it.

    Judged is the target of each `on_conflict_do_update` and `on_conflict_do_nothing`, of each SQL text with `INSERT ... ON
    CONFLICT` (in migrations too), and the `key` of the functions that `upserts` names, where table and target are written
    out. It has to be, in any order, all the columns of the primary key, of a unique constraint that is not deferrable, or of
    a unique index; of an index over some of the rows only with `index_where`; or the name of a constraint. In a migration a
    key that any migration made counts. Quiet are: a target that is computed or has an expression, and unknown tables.
    """

    def check(self, tables: Sequence[Table], statements: Statements) -> Iterator[Finding]:
        if not tables:
            raise DoesNotApply("there are no tables")
        historic: set[frozenset[str]] | None = None
        for each in statements.upserts():
            if self._fits(each):
                continue
            if each.historic:
                historic = statements.historic_keys() if historic is None else historic
                if each.constraint or frozenset(each.columns) in historic:
                    continue
            target = each.constraint or f"({', '.join(each.columns)})"
            listed = ", ".join(
                f"({', '.join(key.columns)})" + " where ..." * key.partial for key in each.table.uniques if key.columns
            )
            yield self.finding(
                f"the conflict target {target} is no unique key of {each.table.name}, which has {listed or 'none'}",
                each.location,
                f"{each.table.name}.{','.join(each.columns) or each.constraint}",
                hint="name one of them whole, or make a unique constraint for it",
            )

    @staticmethod
    def _fits(upsert: Upsert) -> bool:
        if upsert.constraint:
            # PostgreSQL cuts names after 63 bytes.
            names = {key.name[:63] for key in upsert.table.uniques if key.constraint}
            return upsert.constraint[:63] in names
        wanted = set(upsert.columns)
        keys = [key for key in upsert.table.uniques if upsert.partial or not key.partial]
        return any(key.columns and set(key.columns) == wanted for key in keys)
