"""Reads patterns with what people said of them; the API and the pages read them here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

from services.api.parts import ApiParts
from shared.domain.intervals import wilson
from shared.errors import NotFoundError
from shared.graph.marks import Step, list_steps
from shared.graph.pattern_rates import WeekCount, count_weeks
from shared.graph.patterns import After, Pattern, Related, Wanted, find_pattern, page_patterns
from shared.postgres.activity import count_weeks as count_memories
from shared.postgres.api_keys import ApiKey
from shared.postgres.reviews import Review, list_reviews

ReviewFilter: TypeAlias = Literal["confirmed", "dismissed", "open", "all"]
Order: TypeAlias = Literal["confidence", "updated"]


@dataclass(frozen=True, slots=True)
class ReviewedPage:
    """Patterns and what was said of them, by their ids."""

    patterns: Sequence[Pattern]
    reviews: Mapping[str, Review]
    has_more: bool


@dataclass(frozen=True, slots=True)
class ReviewedPattern:
    """One pattern, what was said of it, and what stands on the same evidence."""

    pattern: Pattern
    review: Review | None
    related: Sequence[Related]


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


async def read_page(
    parts: ApiParts,
    caller: ApiKey,
    wanted: Wanted,
    *,
    review: ReviewFilter | None = None,
    order: Order = "confidence",
    limit: int,
    evidence: int,
    after: After | None = None,
    reviews: Mapping[str, Review] | None = None,
) -> ReviewedPage:
    """Return a page of patterns; without a filter by review, those that nobody dismissed.

    Reviews that were read already are not read again.
    """
    if reviews is None:
        reviews = await read_reviews(parts, caller)
    found = await page_patterns(
        parts.shared.driver,
        caller.workspace_id,
        narrow(wanted, reviews, review),
        limit=limit + 1,
        evidence=evidence,
        newest_first=order == "updated",
        after=after,
    )
    return ReviewedPage(found[:limit], reviews, has_more=len(found) > limit)


async def read_pattern(parts: ApiParts, caller: ApiKey, pattern_id: UUID) -> ReviewedPattern:
    """Return one pattern of the caller's workspace.

    Raises:
        NotFoundError: it has none with this id; detection may have found it gone.
    """
    found = await find_pattern(parts.shared.driver, caller.workspace_id, str(pattern_id))
    if found is None:
        raise NotFoundError("no such pattern; what it was found in may have changed")
    reviews = await read_reviews(parts, caller)
    return ReviewedPattern(found[0], reviews.get(str(pattern_id)), found[1])


async def read_reviews(parts: ApiParts, caller: ApiKey) -> dict[str, Review]:
    """Return what was said of the patterns of the caller's workspace, by their ids."""
    async with parts.reading(caller) as conn:
        return await list_reviews(conn, caller.workspace_id)


def narrow(wanted: Wanted, reviews: Mapping[str, Review], review: ReviewFilter | None) -> Wanted:
    """Return what is wanted, narrowed by what was said."""
    said = {
        verdict: [key for key, one in reviews.items() if one.verdict == verdict]
        for verdict in ("confirmed", "dismissed")
    }
    match review:
        case "confirmed" | "dismissed":
            return replace(wanted, only=said[review])
        case "open":
            return replace(wanted, without=list(reviews))
        case "all":
            return wanted
        case None:
            return replace(wanted, without=said["dismissed"])


async def read_rates(
    parts: ApiParts,
    caller: ApiKey,
    *,
    types: Sequence[str] = (),
    project_name: str | None = None,
    weeks: int,
    reviews: Mapping[str, Review] | None = None,
) -> Rates:
    """Return the rates of the last weeks, this one included; dismissed patterns do not count.

    Reviews that were read already are not read again.
    """
    starts = last_mondays(datetime.now(UTC).date(), weeks)
    since, until = _midnight(starts[0]), _midnight(starts[-1] + timedelta(weeks=1))
    async with parts.reading(caller) as conn:
        if reviews is None:
            reviews = await list_reviews(conn, caller.workspace_id)
        memories = await count_memories(
            conn, caller.workspace_id, project_name, since=since, until=until
        )
    driver, workspace_id = parts.shared.driver, caller.workspace_id
    counts, steps = await asyncio.gather(
        count_weeks(
            driver,
            workspace_id,
            types=types,
            project_name=project_name,
            without=narrow(Wanted(), reviews, None).without,
            since=since,
            until=until,
        ),
        list_steps(driver, workspace_id, types=types, since=since),
    )
    return Rates(starts, rates_by_type(starts, memories, counts), steps)


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


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
