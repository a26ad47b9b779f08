"""Which patterns of time something new may change: few of the week in which it lies. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Final

from shared.domain.findings import News, PatternKey
from shared.domain.periods import PeriodType, bounds_of, period_of
from shared.domain.places import Place
from shared.domain.work_sessions import Moment

TYPE: Final = "temporal"
NAMES: Final[dict[str, PeriodType]] = {
    "intensive-session": "hour",
    "activity-burst": "day",
    "work-session": "day",
    "work-sequence": "day",
    "daily-rhythm": "week",
}
DAYS_AROUND: Final = 2
"""Before and after a memory's day: where the sessions start that it may join, part or move."""


def keys_to_check(
    news: Sequence[News], places: Sequence[Place], moments: Sequence[Moment], *, most: int
) -> frozenset[PatternKey]:
    """Return the patterns that the news may have changed.

    In a week with about `most` memories or more it may be any: one more pushes the oldest out.

    Args:
        news: what changed.
        places: the weeks that are looked at.
        moments: what was read of them.
        most: how many memories count in a week.
    """
    if not places:
        return frozenset()
    # Compared before it is reckoned with: the ends of the calendar have no day beyond them.
    since, until = min(one.since for one in places), max(one.until for one in places)
    seen = [one for one in news if one.entity_type == "memory" and since <= one.occurred_at < until]
    near = frozenset(key for one in seen for key in _keys_near(one))
    return near & keys_of_weeks(places) | keys_of_weeks(_full(places, moments, most - len(news)))


def keys_of_weeks(places: Iterable[Place]) -> frozenset[PatternKey]:
    """Return all patterns that could start in the weeks."""
    return frozenset(
        (TYPE, name, place.project_name, period)
        for place in places
        for name, period_type in NAMES.items()
        for period in place.periods(period_type)
    )


def _full(places: Iterable[Place], moments: Sequence[Moment], more_than: int) -> list[Place]:
    if len(moments) <= more_than:
        return []
    counts = Counter(_week_of(moment) for moment in moments)
    return [place for place in places if counts[place] > more_than]


def _keys_near(news: News) -> Iterator[PatternKey]:
    for name, period_type in NAMES.items():
        around = DAYS_AROUND if period_type == "day" else 0
        for days in range(-around, around + 1):
            yield (TYPE, name, news.project_name, _period(news, period_type, days))


def _period(news: News, period_type: PeriodType, days: int) -> str:
    return period_of(news.occurred_at + timedelta(days=days), period_type)


def _week_of(moment: Moment) -> Place:
    return Place(moment.project_name, bounds_of(moment.occurred_at, "week")[0])
