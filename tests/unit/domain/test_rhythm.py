"""A rhythm is found where the days of a week agree more than chance would let them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from shared.domain.rhythm import Rhythm, find_rhythm
from shared.domain.work_sessions import Moment

WEEK = datetime(2026, 1, 5, tzinfo=UTC)


def week(*days: list[int], each: int = 1) -> list[Moment]:
    """Return memories in the hours of the days that are named."""
    return [
        Moment(
            f"{day}/{hour}/{n}", "anna", "shop", WEEK + timedelta(days=day, hours=hour, minutes=n)
        )
        for day, hours in enumerate(days)
        for hour in hours
        for n in range(each)
    ]


def test_the_same_hours_on_five_days_are_a_rhythm() -> None:
    found = find_rhythm(week(*[[9, 10, 11]] * 5, each=2))
    assert found is not None
    assert (found.hours, found.share, found.days) == ((9, 10, 11), 1.0, 5)
    assert found.deviation > 5


def test_the_share_is_of_all_memories() -> None:
    found = find_rhythm(week([9, 10, 20], [9, 10], [9, 10, 3], [9, 10], [9, 10], each=2))
    assert found is not None
    assert (found.hours, found.share) == ((9, 10), pytest.approx(20 / 24))


@pytest.mark.parametrize(
    "found",
    [
        [],
        week([9]),
        week([9, 10, 11], [9, 10, 11], [9, 10, 11], each=9),  # three days
        week(*[[9]] * 4, each=4),  # 16 memories
        week([20], each=500),  # one evening
        week([0, 1, 2], [6, 7, 8], [12, 13, 14], [18, 19, 20], each=9),
        week(*[list(range(24))] * 7),
        week(*[list(range(16))] * 7, each=3),  # alike, but nothing concentrates
    ],
    ids=["none", "one", "three days", "few", "one evening", "apart", "always", "most of the day"],
)
def test_chance_small_samples_and_even_spreads_are_no_rhythm(found: list[Moment]) -> None:
    assert find_rhythm(found) is None


def test_one_busy_day_does_not_make_a_rhythm_of_scattered_ones() -> None:
    days = week([2], [7], [13], [18], [22])
    busy = [
        Moment(f"b{n}", "anna", "shop", WEEK + timedelta(hours=15, seconds=n)) for n in range(1000)
    ]
    assert find_rhythm([*days, *busy]) is None


def random_week(random: Random, days: int) -> list[Moment]:
    """Return a week in which each day's work begins at an hour of its own, with interruptions."""
    hours: list[list[int]] = []
    for _ in range(days):
        start, length = random.randrange(24), random.randint(2, 9)
        hours.append(sorted({(start + n) % 24 for n in range(length) if random.random() < 0.8}))
    return week(*hours, each=5)


@pytest.mark.parametrize("days", [4, 5, 6, 7])
def test_of_a_thousand_weeks_without_a_rhythm_at_most_ten_seem_to_have_one(days: int) -> None:
    random = Random(days)
    found = [find_rhythm(random_week(random, days)) for _ in range(1000)]
    assert sum(each is not None for each in found) <= 10


def jittered_week(random: Random) -> list[Moment]:
    """Return five days of work from about nine to about five."""
    days = [range(9 + random.randint(-1, 1), 17 + random.randint(-1, 1)) for _ in range(5)]
    return week(*([h for h in day if random.random() < 0.8] for day in days), each=2)


def test_of_two_hundred_weeks_from_nine_to_five_most_are_recognised() -> None:
    random = Random(1)
    found: list[Rhythm | None] = [find_rhythm(jittered_week(random)) for _ in range(200)]
    assert sum(each is not None for each in found) >= 180
