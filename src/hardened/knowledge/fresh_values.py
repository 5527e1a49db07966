"""Functions that return another value each time."""

from __future__ import annotations

import re

CLOCK = re.compile(
    r"(?:datetime\.)?datetime\.(?:now|utcnow|today)|(?:datetime\.)?date\.today|time\.(?:time|time_ns|ctime|localtime|gmtime|strftime|asctime)"
    r"|(?:pendulum|arrow|whenever|django\.utils\.timezone)\..*\b(?:now|utcnow|today)"
)
"""Clocks of the day, which are no monotonic ones."""

CHANCE = re.compile(
    r"uuid\.uuid[1-8]|(?:uuid6|uuid_utils|uuid_extensions|uuid7)\.uuid\d\w*|uuid_utils\.compat\.uuid\d|ulid\.(?:ULID|new|ulid)"
    r"|nanoid\.generate|shortuuid\.uuid|random\.(?!Random|SystemRandom|seed|getstate|setstate)\w+|os\.urandom"
    r"|secrets\.(?:token_\w+|randbits|randbelow|choice)"
)
"""Generators of identifiers and random numbers."""

KEYS = re.compile(r"os\.urandom|secrets\.\w+")
"""Of these, those that make keys, which may live as long as a process."""
