"""Days and weeks are those of UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.periods import PeriodType, bounds_of, days_of, period_of

MOMENTS = st.datetimes(
    min_value=datetime(1970, 1, 8),  # hypothesis adds the time zone
    max_value=datetime(2100, 1, 1),
    timezones=st.just(UTC),
)


@pytest.mark.parametrize(
    ("moment", "period_type", "name"),
    [
        (datetime(2026, 1, 5, 9, 30, tzinfo=UTC), "hour", "2026-01-05T09"),
        (datetime(2026, 1, 5, tzinfo=UTC), "day", "2026-01-05"),
        (datetime(2026, 1, 5, tzinfo=UTC), "week", "2026-W02"),
        (datetime(2025, 12, 31, tzinfo=UTC), "week", "2026-W01"),
        (datetime(2027, 1, 1, tzinfo=UTC), "week", "2026-W53"),
        (datetime(2026, 1, 6, 1, tzinfo=timezone(timedelta(hours=5))), "day", "2026-01-05"),
    ],
)
def test_a_period_has_the_name_of_its_utc_time(
    moment: datetime, period_type: PeriodType, name: str
) -> None:
    assert period_of(moment, period_type) == name


@given(MOMENTS, st.sampled_from(["hour", "day", "week"]))
def test_a_moment_lies_inside_the_bounds_of_its_period(
    moment: datetime, period_type: PeriodType
) -> None:
    start, end = bounds_of(moment, period_type)
    assert start <= moment < end
    assert period_of(start, period_type) == period_of(moment, period_type)
    assert period_of(end, period_type) != period_of(moment, period_type)


@given(MOMENTS)
def test_a_week_has_the_seven_days_that_lie_in_it(moment: datetime) -> None:
    days = days_of(moment, "week")
    assert len(set(days)) == 7
    assert period_of(moment, "day") in days
