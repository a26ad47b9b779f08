"""Weeks and days as points: gaps stay gaps, and the week that goes on is drawn apart."""

from __future__ import annotations

from datetime import date, timedelta

from services.api.dashboard.rate_drawing import draw_days, draw_rates
from services.api.finding_rates import Rate, last_mondays

MONDAY = date(2026, 1, 5)


def rate(week: int, matched: int, memories: int) -> Rate:
    share = matched / memories if memories else 0.0
    return Rate(MONDAY + timedelta(weeks=week), memories, matched, 1, share / 2, min(share * 2, 1))


def test_the_week_that_goes_on_is_drawn_apart() -> None:
    drawn = draw_rates([rate(0, 1, 4), rate(1, 2, 4), rate(2, 4, 4)])
    assert drawn.line.count(",") == 2
    assert drawn.unfinished.count(",") == 2
    assert drawn.band.count(",") == 6


def test_a_week_without_memories_is_no_point() -> None:
    drawn = draw_rates([rate(0, 1, 4), rate(1, 0, 0), rate(2, 0, 0)])
    assert (drawn.line.count(","), drawn.unfinished) == (1, "")


def test_nothing_draws_nothing() -> None:
    assert draw_rates([rate(0, 0, 0)]).band == draw_rates([]).line == ""
    assert draw_days([]) == []


def test_days_stand_in_columns_of_weeks_from_monday() -> None:
    days = [(MONDAY + timedelta(days=n), n) for n in range(5, 9)]
    cells = draw_days(days)
    assert [(cell.x, cell.y) for cell in cells] == [(0, 50), (0, 60), (10, 0), (10, 10)]
    assert [cell.level for cell in cells] == [2, 2, 2, 2]


def test_a_week_begins_on_monday() -> None:
    assert last_mondays(date(2026, 1, 11), 2) == [date(2025, 12, 29), MONDAY]
