"""DB005: a foreign key whose columns lead no index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...model import Finding, Rule
from ...project import Project
from ._shared import _subject

if TYPE_CHECKING:
    pass


class DB005(Rule):
    """A foreign key whose columns lead no index.

    Each deletion of the row it refers to, and each look from there, then reads the whole table, under a lock.

    What counts: a primary key, a unique constraint or an index (B-tree or hash) that begins with all
    of the key's columns, in any order. An index on an expression does not count, nor one over some of
    the rows, except those where its own columns are not null.
    """

    at_start = True

    def check(self, project: Project) -> Iterator[Finding]:
        for table in project.tables:
            for reference in table.references:
                columns = set(reference.columns)
                if not any(set(key[: len(columns)]) == columns for key in table.keys):
                    subject = _subject(table, reference)
                    yield self.finding(
                        f"{subject} refers to {reference.target} and no index begins with it; "
                        "declare one (index=True on the column)",
                        reference.find(),
                        subject,
                    )
