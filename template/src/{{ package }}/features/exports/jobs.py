"""The jobs of exports."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable
from datetime import date, timedelta

from pydantic import BaseModel

from ...core.jobs import PermanentError, Run, job
from ..inbox import DayActivity, ItemState, activity
from .schemas import ExportRequest, Format, Grouping

_SLICE = timedelta(days=31)
_COLUMNS = ("period", "captures", *(state.value for state in ItemState))

Row = tuple[object, ...]


class Exported(BaseModel):
    """How many rows the file has."""

    rows: int


@job("exports.build", timeout=600)
async def build_export(run: Run, payload: ExportRequest) -> Exported:
    """Write one's activity into a file, a month at a time."""
    if run.owner_id is None:
        raise PermanentError("an export belongs to a user")
    periods: dict[str, DayActivity] = {}
    first = payload.start
    while first <= payload.end:
        last = min(first + _SLICE - timedelta(days=1), payload.end)
        async with run.reading() as reading:
            days = await activity(reading, run.owner_id, first, last)
        for day, found in sorted(days.items()):
            period = periods.setdefault(period_of(day, payload.grouping), DayActivity())
            period.captures += found.captures
            period.items.update(found.items)
        await run.progress(int(((last - payload.start).days + 1) * 95 / ((payload.end - payload.start).days + 1)))
        first = last + timedelta(days=1)
    rows = [(period, found.captures, *(found.items[state] for state in ItemState)) for period, found in periods.items()]
    name = f"inbox-{payload.start}-{payload.end}.{payload.format}"
    if payload.format is Format.CSV:
        await run.keep_file(name, "text/csv; charset=utf-8", as_csv(rows))
    else:
        await run.keep_file(name, "application/json", as_json(rows))
    return Exported(rows=len(rows))


def period_of(day: date, grouping: Grouping) -> str:
    """The period that a day is in: 2026-11-22, 2026-W47 (ISO) or 2026-11."""
    if grouping is Grouping.WEEK:
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}"
    return day.isoformat() if grouping is Grouping.DAY else f"{day:%Y-%m}"


async def as_csv(rows: Iterable[Row]) -> AsyncIterator[bytes]:
    """The rows as CSV, with a header."""
    for row in (_COLUMNS, *rows):
        line = io.StringIO()
        csv.writer(line).writerow(row)
        yield line.getvalue().encode()


async def as_json(rows: Iterable[Row]) -> AsyncIterator[bytes]:
    """The rows as a JSON list of objects."""
    yield json.dumps([dict(zip(_COLUMNS, row, strict=True)) for row in rows]).encode()
