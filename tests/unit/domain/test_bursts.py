"""A burst is a half hour with at least five memories."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.bursts import MINIMUM, WINDOW, find_bursts
from tests.unit.domain.moment_builders import moments


def sizes(*minutes: float) -> list[int]:
    return [len(burst) for burst in find_bursts(moments(*sorted(minutes)))]


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ((), []),
        ((0, 1, 2, 3), []),
        ((0, 1, 2, 3, 4), [5]),
        ((0, 1, 2, 3, 30), [5]),
        ((0, 1, 2, 3, 30 + 1 / 60), []),
        ((0, 0, 0, 0, 0), [5]),
    ],
)
def test_five_in_thirty_minutes_are_a_burst(
    minutes: tuple[float, ...], expected: list[int]
) -> None:
    assert sizes(*minutes) == expected


def test_the_fullest_half_hour_is_kept_whole() -> None:
    assert sizes(0, 1, 20, 21, 22, 31, 32, 33) == [6]


def test_bursts_on_both_sides_of_the_fullest_are_found_in_order() -> None:
    left, middle, right = range(5), range(40, 50), range(80, 86)
    assert sizes(*left, *middle, *right) == [5, 10, 6]


def test_ten_thousand_memories_of_one_minute_are_one_burst() -> None:
    assert sizes(*(n / 10_000 for n in range(10_000))) == [10_000]


@given(st.lists(st.integers(0, 300), max_size=80))
def test_bursts_are_short_full_apart_and_leave_no_burst_over(minutes: list[int]) -> None:
    every = moments(*sorted(set(minutes)))
    found = find_bursts(every)
    ends = [(burst[0].occurred_at, burst[-1].occurred_at) for burst in found]
    assert all(end - start <= WINDOW for start, end in ends)
    assert all(len(burst) >= MINIMUM for burst in found)
    assert all(before[1] < after[0] for before, after in pairwise(ends))
    starts = [each.occurred_at for each in every]
    fullest = max(
        (sum(start <= at <= start + WINDOW for at in starts) for start in starts), default=0
    )
    assert max(map(len, found), default=0) == (fullest if fullest >= MINIMUM else 0)


def test_a_burst_is_bounded_by_the_window_to_the_microsecond() -> None:
    edge = WINDOW / timedelta(minutes=1)
    assert sizes(0, 1, 2, 3, edge) == [5]
    assert sizes(0, 1, 2, 3, edge + 1e-6) == []
