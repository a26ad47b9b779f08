"""Only the patterns near what is new are looked at again, and all of a week that is full."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.findings import News
from shared.domain.places import Place, places_of
from shared.domain.temporal_keys import keys_of_weeks, keys_to_check
from shared.domain.work_sessions import REACH
from tests.unit.domain.moment_builders import MONDAY, NOW, moments

WEEK = Place("shop", MONDAY.replace(hour=0))
THURSDAY = MONDAY + timedelta(days=3)


def news(at: datetime = THURSDAY, *, project: str = "shop") -> News:
    return News("memory:a", "memory", "anna", project, at)


def test_a_memory_may_change_its_hour_its_week_and_days_around_it() -> None:
    checked = keys_to_check([news()], [WEEK], [], most=100)
    assert {period for _, name, _, period in checked if name == "intensive-session"} == {
        "2026-01-08T09"
    }
    assert {period for _, name, _, period in checked if name == "work-session"} == {
        f"2026-01-{day:02d}" for day in range(6, 11)
    }
    assert {period for _, name, _, period in checked if name == "daily-rhythm"} == {"2026-W02"}


@pytest.mark.parametrize(("most", "expected"), [(6, False), (5, True), (4, True)])
def test_in_a_full_week_anything_may_change(most: int, expected: bool) -> None:
    checked = keys_to_check([news()], [WEEK], moments(*range(5)), most=most)
    assert (checked == keys_of_weeks([WEEK])) == expected


def test_another_project_and_a_source_file_change_nothing() -> None:
    file = News("code:a", "code", "anna", "shop", THURSDAY)
    assert keys_to_check([news(project="bank"), file], [WEEK], [], most=100) == frozenset()


@pytest.mark.parametrize("at", [datetime.min, datetime.max])
def test_the_ends_of_the_calendar_do_no_harm(at: datetime) -> None:
    odd = [news(at.replace(tzinfo=UTC)), news()]
    places = places_of(odd, now=NOW, spill=REACH)
    assert keys_to_check(odd, places, [], most=100) >= keys_to_check([news()], [WEEK], [], most=9)


def test_no_place_has_no_keys() -> None:
    assert keys_to_check([news()], [], [], most=100) == frozenset()
