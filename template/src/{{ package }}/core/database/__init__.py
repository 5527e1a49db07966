# Owned by the template.
"""The database: one module makes engines, everything else is handed a session (DB003)."""

from ._engine import Database, DatabaseWaitError, SessionFactory
from ._integers import ID_MAX, BoundedInteger, IntegerOutOfRangeError, bounds, fold
from ._model import Model, Text, UtcDateTime, enumeration, relationship, user_reference, utc_now
from ._upsert import UpsertTargetError, upsert
from ._work import on_commit, unit_of_work

__all__ = [
    "ID_MAX",
    "BoundedInteger",
    "Database",
    "DatabaseWaitError",
    "IntegerOutOfRangeError",
    "Model",
    "SessionFactory",
    "Text",
    "UpsertTargetError",
    "UtcDateTime",
    "bounds",
    "enumeration",
    "fold",
    "on_commit",
    "relationship",
    "unit_of_work",
    "upsert",
    "user_reference",
    "utc_now",
]
