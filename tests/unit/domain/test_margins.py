"""Weeks are read with the days around them, each part once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.domain.findings import News
from shared.domain.margins import Part, with_margins
from shared.domain.places import Place, places_of

WEEK = timedelta(days=7)
DAYS = timedelta(days=3)
FIRST = Place("shop", datetime(2026, 1, 5, tzinfo=UTC))


def later(weeks: int) -> Place:
    return Place("shop", FIRST.since + WEEK * weeks)


def test_a_week_is_read_with_days_of_the_weeks_around_it() -> None:
    assert with_margins([FIRST], DAYS) == [
        Part(later(-1), FIRST.since - DAYS, FIRST.since),
        Part(FIRST, FIRST.since, FIRST.until),
        Part(later(1), FIRST.until, FIRST.until + DAYS),
    ]


def test_two_weeks_side_by_side_are_each_read_once() -> None:
    found = with_margins([FIRST, later(1)], DAYS)
    assert [part.week for part in found] == [later(n) for n in (-1, 0, 1, 2)]
    assert found[1] == Part(FIRST, FIRST.since, FIRST.until)


def test_a_week_between_two_is_read_from_the_first_margin_to_the_last() -> None:
    found = with_margins([FIRST, later(2)], DAYS)
    assert found[2] == Part(later(1), later(1).since, later(1).until)


def test_projects_do_not_share_their_weeks() -> None:
    other = Place("bank", FIRST.since)
    assert len(with_margins([FIRST, other], DAYS)) == 6


def test_no_place_has_no_parts() -> None:
    assert with_margins([], DAYS) == []


def test_the_first_days_of_the_calendar_do_no_harm() -> None:
    news = News("a", "memory", "anna", "shop", datetime.min.replace(tzinfo=UTC))
    places = places_of([news], now=datetime(2026, 1, 1, tzinfo=UTC), spill=DAYS)
    assert with_margins(places, DAYS)
