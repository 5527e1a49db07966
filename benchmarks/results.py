"""What was measured, as ratios, and how it is shown on a terminal and in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Goal:
    """A bound of the ratio, and one of the value itself where there is one."""

    least: float | None = None
    most: float | None = None
    value_below: float | None = None
    unit: str = " s"

    def __str__(self) -> str:
        parts = [f"≥ {self.least:g}"] if self.least is not None else []
        parts += [f"≤ {self.most:g}"] if self.most is not None else []
        parts += [f"< {self.value_below:g}{self.unit}"] if self.value_below is not None else []
        return ", ".join(parts)


@dataclass(frozen=True)
class Comparison:
    """One thing measured against another, a pair in each round."""

    name: str
    unit: str
    measured: Sequence[float]
    against: str
    baseline: Sequence[float]
    goal: Goal | None = None
    more: Mapping[str, str] = field(default_factory=dict)
    """Further columns."""

    @property
    def ratios(self) -> list[float]:
        """Of each round, which had one load of the machine for both."""
        return [one / other for one, other in zip(self.measured, self.baseline, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios."""
        return statistics.median(self.ratios)

    @property
    def reached(self) -> str:
        """Whether the goal is, and what is missed."""
        if self.goal is None:
            return ""
        missed = []
        # As shown, so that the table does not contradict itself.
        ratio, value = round(self.ratio, 2), statistics.median(self.measured)
        if ratio < (self.goal.least or 0) or (self.goal.most is not None and ratio > self.goal.most):
            missed.append("ratio")
        if self.goal.value_below is not None and value >= self.goal.value_below:
            missed.append("seconds" if self.goal.unit == " s" else self.goal.unit.strip())
        return f"no ({' and '.join(missed)})" if missed else "yes"

    def cells(self) -> dict[str, str]:
        """The row of a table."""
        return {
            "What": self.name,
            "Measured": self._shown(self.measured),
            "Against": f"{self.against}: {self._shown(self.baseline)}",
            "Ratio": f"{self.ratio:.2f}",
            "Range": f"{min(self.ratios):.2f} to {max(self.ratios):.2f}",
            **self.more,
            "Goal": "" if self.goal is None else str(self.goal),
            "Reached": self.reached,
        }

    def _shown(self, values: Sequence[float]) -> str:
        value = statistics.median(values)
        return f"{value:,.0f}{self.unit}" if value >= 100 else f"{value:.3g}{self.unit}"


def table(comparisons: Sequence[Comparison]) -> str:
    """A Markdown table, aligned, so that a terminal can show it too."""
    rows = [comparison.cells() for comparison in comparisons]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    widths = {column: max(len(column), *(len(row.get(column, "")) for row in rows)) for column in columns}

    def line(cells: Mapping[str, str]) -> str:
        return "| " + " | ".join(cells.get(column, "").ljust(widths[column]) for column in columns) + " |"

    rule = {column: "-" * widths[column] for column in columns}
    return "\n".join([line({column: column for column in columns}), line(rule), *map(line, rows)])
