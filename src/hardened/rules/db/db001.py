"""DB001: a number that may be wider than its column."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from ...model import Finding, Rule
from ...records.tables import Setting
from ...source.nodes import last_of
from ...source.statements import Statements
from ...source.tree import Source
from ...source.widths import shifts

DIMENSIONS = re.compile(r"dimensions?|dims?")


class DB001(Rule):
    """A number that may be wider than its column.

    Found is each place at which a column of a plain integer type (`BigInteger` holds 63 bits, `Integer` 31, `SmallInteger`
    15) is given a number that nothing bounds, or that is known to be wider: by a shift or a power of something unknown, a
    product that grows in a loop, a number read from a text or from bytes, `UUID.int`, a hash or a time in nanoseconds in an
    `Integer`; as an argument of the model, an attribute, a value of a statement, also when a function of the project
    computes it. And two settings of one name but for `bits` and `dimensions` (`dims`), whose product is over 63 as they are
    loaded, where a function that reads both also shifts.

    Quiet are: a type that checks its values itself, such as a bounded integer; a column with a validator in its class;
    foreign keys; sums, differences and products of numbers of which nothing is known; a number that is masked (`& 0xFFFF`),
    taken modulo, cut by `min`, or compared before (`if number > LIMIT: raise`).
    """

    def check(self, statements: Statements, numbers: Sequence[Setting], source: Source) -> Iterator[Finding]:
        yield from self._settings(numbers, source)
        for each in statements.writes():
            bounded = not math.isinf(each.width)
            wide = f"a number of {math.ceil(each.width)} bits" if bounded else "a number that nothing bounds"
            subject = f"{each.table}.{each.column.name}"
            yield self.finding(
                f"{subject} is {each.column.kind}, which holds {each.column.bits} bits, and is given {wide}",
                each.location,
                subject,
                hint="declare the column's bound in its type, check the number where it comes in, or keep its low bits "
                "(& (2**63 - 1))",
            )

    def _settings(self, numbers: Sequence[Setting], source: Source) -> Iterator[Finding]:
        for bits, dimensions in _products(numbers):
            product = bits.value * dimensions.value
            together = {last_of(each.name) for each in (bits, dimensions)}
            if product > 63 and shifts(source, together):
                yield self.finding(
                    f"{bits.name} is {bits.value} and {dimensions.name} {dimensions.value}: they make a number of "
                    f"{product} bits, and a BIGINT holds 63",
                    bits.location,
                    bits.name,
                    hint="lower one of the two, and check their product when the settings load",
                )


def _products(numbers: Sequence[Setting]) -> Iterator[tuple[Setting, Setting]]:
    """Pairs of settings with one name, but for `bits` and `dimensions`."""
    for bits in numbers:
        for other in numbers:
            if "bits" in bits.name and DIMENSIONS.sub("bits", other.name) == bits.name != other.name:
                yield bits, other
