"""What is new touches whole weeks of its project."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from shared.domain.findings import EntityType, News
from shared.domain.places import Place, places_of
from tests.unit.domain.domain_builders import MONDAY

WEEK = MONDAY.replace(hour=0)
NOW = MONDAY + timedelta(days=365)


def news(at: datetime, *, project: str = "shop", kind: EntityType = "memory") -> News:
    return News("memory:1", kind, "anna", project, at)


def test_a_memory_touches_its_week_by_utc() -> None:
    early = datetime(2026, 1, 12, 1, tzinfo=timezone(timedelta(hours=5)))
    assert places_of([news(early)], now=NOW) == [Place("shop", WEEK)]


def test_each_week_of_each_project_is_one_place_in_order() -> None:
    later = MONDAY + timedelta(days=9)
    found = places_of([news(later), news(MONDAY), news(MONDAY), news(MONDAY, project="a")], now=NOW)
    week = timedelta(days=7)
    assert found == [Place("a", WEEK), Place("shop", WEEK), Place("shop", WEEK + week)]


def test_what_reaches_over_the_edge_touches_the_neighbouring_week() -> None:
    sunday = news(WEEK - timedelta(hours=2))
    found = places_of([sunday], now=NOW, spill=timedelta(hours=3))
    assert [place.since for place in found] == [WEEK - timedelta(days=7), WEEK]


def test_code_and_the_far_future_touch_nothing() -> None:
    assert places_of([news(MONDAY, kind="code")], now=NOW) == []
    assert places_of([news(NOW + timedelta(days=2))], now=NOW) == []


def test_the_first_and_the_last_days_of_the_calendar_do_no_harm() -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    odd = first.replace(tzinfo=timezone(timedelta(hours=14)))
    found = places_of([news(first), news(last), news(odd)], now=NOW, spill=timedelta(days=7))
    assert all(place.periods("day") for place in found)
