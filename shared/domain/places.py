"""Where detectors look again after something changed: whole weeks of a project. Pure.

A week holds its days and hours, so whatever a period's pattern depends on is read together: the
result is the same in whatever order and pieces the memories arrived.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.domain.findings import News
from shared.domain.periods import PeriodType, bounds_of, period_of

LATEST: Final = timedelta(days=1)
"""How far ahead of our clock a memory may be; what lies further is no work that was done."""
_WEEK: Final = timedelta(days=7)
_PARTS: Final[dict[PeriodType, timedelta]] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": _WEEK,
}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One week of one project, by UTC."""

    project_name: str
    since: datetime

    @property
    def until(self) -> datetime:
        """The start of the next week."""
        return self.since + _WEEK

    def periods(self, period_type: PeriodType) -> list[str]:
        """Return the names of the periods inside it."""
        step = _PARTS[period_type]
        return [period_of(self.since + step * n, period_type) for n in range(_WEEK // step)]


def places_of(
    news: Iterable[News], *, now: datetime, spill: timedelta = timedelta(0)
) -> list[Place]:
    """Return the weeks whose patterns the news may change, each once, in order.

    Args:
        now: what lies more than a day after it is left out.
        spill: how far a finding reaches over the edges of its week.
    """
    found = {
        Place(one.project_name, bounds_of(moment, "week")[0])
        for one in news
        if one.entity_type == "memory" and one.occurred_at <= now + LATEST
        for moment in _around(one.occurred_at, spill)
    }
    return sorted(found)


def _around(moment: datetime, spill: timedelta) -> list[datetime]:
    earliest = datetime.min.replace(tzinfo=UTC) + spill + _WEEK
    at = max(moment.astimezone(UTC) if moment > earliest else earliest, earliest)
    return [at - spill, at, at + spill]
