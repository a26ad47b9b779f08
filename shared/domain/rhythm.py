"""Tells whether the days of a week are alike in their hours. Pure.

What is counted is on how many days an hour was active, not how many memories it holds: one long
evening is no rhythm. The test turns each day's hours around the clock by a chance amount of its
own, which keeps how long and how scattered a day's work was, and asks how much more the days
agree than that. Mean and variance of the agreement of two turned days are exact, and pairs of
days turned independently do not correlate, so nothing is drawn at random.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from math import sqrt
from typing import Final

from shared.domain.work_sessions import Moment

HOURS: Final = 24
MINIMUM: Final = 20
"""Memories from which a week is looked at."""
MINIMUM_DAYS: Final = 4
"""Active days: three agree by chance too often."""
MINIMUM_DEVIATION: Final = 3.5
"""Standard deviations above chance; see docs/detectors/temporal.md for the share of false ones."""
MINIMUM_SHARE: Final = 0.5
MINIMUM_LIFT: Final = 2.0
"""The peak hours hold at least so many times what they would hold of an even spread."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The hours of the day in which a week's work stands."""

    hours: tuple[int, ...]
    """By UTC, each active on more than half of the active days."""
    share: float
    """Of the memories, in these hours."""
    days: int
    """With at least one memory."""
    deviation: float
    """Standard deviations by which the days agree more than chance would let them."""


def find_rhythm(moments: Sequence[Moment]) -> Rhythm | None:
    """Return the rhythm of a week's moments, None where chance explains it or it means little."""
    days = _hours_by_day(moments)
    if len(moments) < MINIMUM or len(days) < MINIMUM_DAYS:
        return None
    peaks = tuple(h for h in range(HOURS) if 2 * sum(h in hours for hours in days) > len(days))
    share = sum(moment.occurred_at.hour in peaks for moment in moments) / len(moments)
    deviation = _deviation(days)
    is_real = deviation >= MINIMUM_DEVIATION and share >= MINIMUM_SHARE
    if not peaks or not is_real or share < MINIMUM_LIFT * len(peaks) / HOURS:
        return None
    return Rhythm(peaks, share, len(days), deviation)


def _hours_by_day(moments: Sequence[Moment]) -> list[frozenset[int]]:
    days: defaultdict[date, set[int]] = defaultdict(set)
    for moment in moments:
        days[moment.occurred_at.date()].add(moment.occurred_at.hour)
    return [frozenset(hours) for hours in days.values()]


def _deviation(days: Sequence[frozenset[int]]) -> float:
    """Return how many standard deviations the days agree above chance."""
    above = variance = 0.0
    for one, other in combinations(days, 2):
        turned = [sum((hour + by) % HOURS in other for hour in one) for by in range(HOURS)]
        mean = sum(turned) / HOURS
        above += turned[0] - mean
        variance += sum((agreed - mean) ** 2 for agreed in turned) / HOURS
    return above / sqrt(variance) if variance else 0.0
