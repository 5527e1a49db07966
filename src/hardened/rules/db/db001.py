"""DB001: a number that may be wider than its column."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...model import Finding, Rule
from ...project import Project
from ...records import Setting

if TYPE_CHECKING:
    pass


BITS = {"bits", "bit"}
DIMENSIONS = {"dims", "dim", "dimensions", "dimension", "axes"}
FILL = {"n", "num", "number", "count", "of", "per", "each", "depth"}


class DB001(Rule):
    """A number that may be wider than its column.

    Told is where a column of a plain integer type (`BigInteger` holds 63 bits, `Integer` 31, `SmallInteger` 15) is given
    a number that nothing bounds, or that is known to be wider: by a shift or a power of something unknown, a product that
    grows in a loop, a number read from a text or from bytes, `UUID.int`, a hash or a time in nanoseconds in an `Integer`; as
    an argument of the model, an attribute, a value of a statement, also when a function of the project computes it. And
    settings that are called alike but for `bits` and `dimensions` (`dims`), whose product is over 63 as they are loaded,
    where a function that reads both also shifts.

    Quiet are: a type that checks its values itself, such as a bounded integer; what has a validator in its class; foreign
    keys; sums, differences and products of numbers of which nothing is known; what is masked (`& 0xFFFF`), taken modulo,
    cut by `min`, or compared before (`if number > LIMIT: raise`).
    """

    def check(self, project: Project) -> Iterator[Finding]:
        settings = list(project.numbers)
        yield from self._settings(project, settings)
        for each in project.statements.writes():
            wide = (
                "a number that nothing bounds"
                if math.isinf(each.width)
                else f"a number of {math.ceil(each.width)} bits"
            )
            subject = f"{each.table}.{each.column.name}"
            yield self.finding(
                f"{subject} is {each.column.kind}, which holds {each.column.bits} bits, and is given {wide}; declare the "
                "column's bound in its type, check the number where it comes in, or keep its low bits (& (2**63 - 1))",
                each.location,
                subject,
            )

    def _settings(self, project: Project, settings: Sequence[Setting]) -> Iterator[Finding]:
        for bits, dimensions in _products(settings):
            together = {bits.name.rpartition(".")[2], dimensions.name.rpartition(".")[2]}
            if bits.value * dimensions.value > 63 and project.statements.shifts(together):
                yield self.finding(
                    f"{bits.name} is {bits.value} and {dimensions.name} {dimensions.value}: they make a number of "
                    f"{bits.value * dimensions.value} bits, and a BIGINT holds 63; lower one of the two, and check their "
                    "product when the settings load",
                    bits.find(),
                    bits.name,
                )


def _products(settings: Sequence[Setting]) -> Iterator[tuple[Setting, Setting]]:
    """Settings that are called alike, but one is about bits and the other one about dimensions."""
    for bits in settings:
        for other in settings:
            one, two = (re.split(r"[._]", each.name.lower()) for each in (bits, other))
            if (BITS & set(one)) and (DIMENSIONS & set(two)) and not BITS & set(two):
                rest = [[word for word in each if word not in FILL | BITS | DIMENSIONS] for each in (one, two)]
                if rest[0] == rest[1]:
                    yield bits, other
