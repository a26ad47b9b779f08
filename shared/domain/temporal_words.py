"""Says times, lengths and hours of the day in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.domain.work_sessions import Moment


def counted(count: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{count} {one if count == 1 else many}"


def clock(moment: datetime) -> str:
    """Return the time of day, by the minute."""
    return f"{moment:%H:%M}"


def span(members: Sequence[Moment]) -> str:
    """Return from when to when; the day is added to an end on another one."""
    first, last = members[0].occurred_at, members[-1].occurred_at
    end = clock(last) if first.date() == last.date() else f"{clock(last)} on {last:%Y-%m-%d}"
    return f"{clock(first)} to {end}"


def lasting(length: timedelta) -> str:
    """Return a length of time as its two largest units, rounded down."""
    seconds = length // timedelta(seconds=1)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {seconds % 60:02d} s" if minutes else f"{seconds} s"


def hours_in_words(hours: Sequence[int]) -> str:
    """Return hours of the day as ranges, each up to the hour where it ends: `09-12, 14-15`."""
    starts = [hour for hour in hours if hour - 1 not in hours]
    ends = [hour + 1 for hour in hours if hour + 1 not in hours]
    return ", ".join(f"{start:02d}-{end:02d}" for start, end in zip(starts, ends, strict=True))
