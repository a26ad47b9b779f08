"""Draws a share by week with what it likely is, and a row of days, as numbers for SVG. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from services.api.finding_rates import Rate

WIDTH: Final = 240.0
HEIGHT: Final = 48.0
MARGIN: Final = 2.0
DAY: Final = 10.0
DAYS_A_WEEK: Final = 7
LEVELS: Final = (1, 3, 10, 30)
"""From how many memories a day is drawn darker."""


@dataclass(frozen=True, slots=True)
class RateLine:
    """A line of shares, the band around it, and the newest week, which may still go on."""

    line: str
    band: str
    unfinished: str
    top: float
    """The share at the upper edge."""
    steps: str
    """A line from top to bottom in each week in which the way of finding changed."""
    width: float = WIDTH
    height: float = HEIGHT


@dataclass(frozen=True, slots=True)
class DayCell:
    """One day of a calendar of weeks."""

    day: date
    memories: int
    x: float
    y: float
    level: int
    """0 for none, 4 for most."""


def draw_rates(rates: Sequence[Rate], steps: Sequence[date] = ()) -> RateLine:
    """Return the line through the weeks that had memories, oldest first."""
    known = [(n, rate) for n, rate in enumerate(rates) if rate.memories]
    top = max((rate.high for _, rate in known), default=0.0) or 1.0
    step = WIDTH / max(len(rates) - 1, 1)

    def place(n: int, share: float) -> str:
        return f"{n * step:.1f},{HEIGHT - MARGIN - share / top * (HEIGHT - 2 * MARGIN):.1f}"

    points = [place(n, rate.share or 0.0) for n, rate in known]
    finished = points[:-1] if known and known[-1][0] == len(rates) - 1 else points
    lows = [place(n, rate.low) for n, rate in reversed(known)]
    highs = [place(n, rate.high) for n, rate in known]
    return RateLine(
        line=_path(finished),
        band=f"{_path([*highs, *lows])} Z" if known else "",
        unfinished=_path(points[-2:]) if len(finished) < len(points) else "",
        top=top,
        steps=" ".join(
            f"M{n * step:.1f},0 V{HEIGHT:.1f}" for n, rate in enumerate(rates) if rate.week in steps
        ),
    )


def draw_days(days: Sequence[tuple[date, int]]) -> list[DayCell]:
    """Return a cell for each day, a column a week, Monday at the top."""
    if not days:
        return []
    lead = days[0][0].weekday()
    cells: list[DayCell] = []
    for n, (day, memories) in enumerate(days):
        week, weekday = divmod(n + lead, DAYS_A_WEEK)
        level = sum(memories >= least for least in LEVELS)
        cells.append(DayCell(day, memories, week * DAY, weekday * DAY, level))
    return cells


def _path(points: Sequence[str]) -> str:
    return f"M{' L'.join(points)}" if points else ""
