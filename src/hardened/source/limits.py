"""Limits of what is read and followed, in one place: all that is larger is left out, and the report names it."""

from __future__ import annotations

CHAIN = 100
"""Names, calls or values that may lead to one another until a question to the source goes unanswered."""

EXPRESSIONS = 24
"""Expressions that one number is computed from, one in the other."""

NESTING = 300
"""Levels of nodes in a file. Why: what walks through expressions calls itself once or more for each."""

BYTES = 2_000_000
"""Size of a file. Why: what is larger is data, and takes a minute to parse."""

WALKS = 12
"""Functions that are walked through statement by statement, one within the other. Cost: each takes about 30 frames."""
