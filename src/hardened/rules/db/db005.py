"""DB005: a foreign key whose columns lead no index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model import Finding, Rule
from ...records.tables import Table
from ._shared import subject_of


class DB005(Rule):
    """A foreign key whose columns lead no index.

    Each deletion of the row it refers to, and each query from there, then reads the whole table, under a lock.

    An index of the key is a primary key, a unique constraint or an index (B-tree or hash) that begins with all of the key's
    columns, in any order. An index on an expression does not count, nor one over some of the rows, except those where its
    own columns are not null.
    """

    def check(self, tables: Sequence[Table]) -> Iterator[Finding]:
        for table in tables:
            for reference in table.references:
                columns = set(reference.columns)
                if not any(set(key[: len(columns)]) == columns for key in table.keys):
                    subject = subject_of(table, reference)
                    yield self.finding(
                        f"{subject} refers to {reference.target} and no index begins with it",
                        reference.location,
                        subject,
                        hint="declare one (index=True on the column)",
                    )
