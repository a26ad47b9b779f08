"""Reads what share of each week's memories is evidence of a pattern, for the API and the pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from services.api.finding_patterns import narrow
from services.api.parts import ApiParts
from shared.domain.intervals import wilson
from shared.graph import pattern_rates
from shared.graph.pattern_rates import Step, WeekCount
from shared.graph.patterns import Wanted
from shared.postgres.activity import Activity, read_activity
from shared.postgres.api_keys import ApiKey


@dataclass(frozen=True, slots=True)
class Rate:
    """What share of a week's memories patterns of a type stand on."""

    week: date
    memories: int
    matched: int
    patterns: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        """None of a week without memories."""
        return self.matched / self.memories if self.memories else None


@dataclass(frozen=True, slots=True)
class Rates:
    """By type, each week of the period; the newest week last, which may still go on."""

    weeks: Sequence[date]
    by_type: Mapping[str, Sequence[Rate]]
    steps: Sequence[Step]
    """Where the way of finding changed, oldest first."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole weeks, by their Mondays in UTC, and what happened in them."""

    weeks: Sequence[date]
    project_name: str | None
    """Of all projects where None."""
    activity: Activity


async def read_period(
    parts: ApiParts, caller: ApiKey, weeks: int, project_name: str | None
) -> Period:
    """Return what happened in the last weeks, this one included."""
    starts = last_mondays(datetime.now(UTC).date(), weeks)
    since, until = _limits(starts)
    async with parts.reading(caller) as conn:
        activity = await read_activity(
            conn, caller.workspace_id, project_name, since=since, until=until
        )
    return Period(starts, project_name, activity)


async def read_rates(
    parts: ApiParts, caller: ApiKey, period: Period, types: Sequence[str] = ()
) -> Rates:
    """Return the rates of the period's weeks; dismissed patterns do not count."""
    since, until = _limits(period.weeks)
    counts, steps = await pattern_rates.read_rates(
        parts.shared.driver,
        caller.workspace_id,
        types=types,
        project_name=period.project_name,
        without=narrow(Wanted(), period.activity.reviews, None).without,
        since=since,
        until=until,
    )
    memories = period.activity.memories
    return Rates(period.weeks, rates_by_type(period.weeks, memories, counts), steps)


def last_mondays(today: date, weeks: int) -> list[date]:
    """Return the Mondays of so many weeks, today's last."""
    monday = today - timedelta(days=today.weekday())
    return [monday - timedelta(weeks=back) for back in reversed(range(weeks))]


def monday_of(moment: datetime) -> date:
    """Return the week of a moment, by UTC."""
    day = moment.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def rates_by_type(
    weeks: Sequence[date], memories: Mapping[date, int], counts: Sequence[WeekCount]
) -> dict[str, list[Rate]]:
    """Return each type's rate in each of the weeks."""
    found = {(count.type, count.week): count for count in counts}
    return {
        kind: [_rate(week, memories.get(week, 0), found.get((kind, week))) for week in weeks]
        for kind in sorted({count.type for count in counts})
    }


def _rate(week: date, memories: int, count: WeekCount | None) -> Rate:
    matched = count.memories if count else 0
    # A memory may be deleted in one place before it is in the other.
    memories = max(memories, matched)
    low, high = wilson(matched, memories)
    return Rate(week, memories, matched, count.patterns if count else 0, low, high)


def _limits(weeks: Sequence[date]) -> tuple[datetime, datetime]:
    """Return when the first begins and the last ends."""
    return _midnight(weeks[0]), _midnight(weeks[-1] + timedelta(weeks=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
