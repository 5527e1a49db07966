"""What an export is asked for, and the rules it has to follow (RT003)."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import ValidationInfo, field_validator

from ...core.http import Day
from ...core.jobs import JobPayload

MOST_DAYS = 365


class Grouping(StrEnum):
    """What a row of the export stands for."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Format(StrEnum):
    """The kind of file."""

    CSV = "csv"
    JSON = "json"


class ExportRequest(JobPayload):
    """The activity of one's inbox from `start` to `end`, both included, 365 days at most."""

    start: Day
    end: Day
    grouping: Grouping = Grouping.DAY
    format: Format = Format.CSV

    @field_validator("end")
    @classmethod
    def _a_range(cls, end: date, info: ValidationInfo) -> date:
        start = info.data.get("start")
        if start is None:
            return end
        if end < start:
            raise ValueError(f"the end {end} is before the start {start}: exchange them")
        if (days := (end - start).days + 1) > MOST_DAYS:
            raise ValueError(f"{days} days are asked for and {MOST_DAYS} are the most: ask for a shorter range")
        return end
