"""The days and weeks that findings belong to, by UTC; some belong to a thing instead. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias

PeriodType: TypeAlias = Literal["hour", "day", "week"]
SlotType: TypeAlias = PeriodType | Literal["file"]
"""What a pattern's period is the name of; `file` is the path of a source file."""

_LENGTHS: Final[dict[PeriodType, timedelta]] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
}


def period_of(moment: datetime, period_type: PeriodType) -> str:
    """Return the period's name: `2026-01-05T09`, `2026-01-05` or, by ISO 8601, `2026-W02`."""
    at = moment.astimezone(UTC)
    if period_type == "week":
        year, week, _ = at.isocalendar()
        return f"{year:04d}-W{week:02d}"
    return at.strftime("%Y-%m-%dT%H" if period_type == "hour" else "%Y-%m-%d")


def bounds_of(moment: datetime, period_type: PeriodType) -> tuple[datetime, datetime]:
    """Return when the period around `moment` starts, and when the next one does."""
    at = moment.astimezone(UTC)
    start = at.replace(minute=0, second=0, microsecond=0)
    if period_type != "hour":
        start = start.replace(hour=0)
    if period_type == "week":
        start -= timedelta(days=start.weekday())
    return start, start + _LENGTHS[period_type]


def days_of(moment: datetime, period_type: PeriodType) -> list[str]:
    """Return the names of the days inside the period around `moment`."""
    start, end = bounds_of(moment, period_type)
    days = max((end - start) // timedelta(days=1), 1)
    return [period_of(start + timedelta(days=day), "day") for day in range(days)]
