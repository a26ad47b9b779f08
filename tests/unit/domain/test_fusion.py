"""One order out of several, and room divided among groups."""

from __future__ import annotations

import pytest

from shared.domain.fair_shares import fair_shares
from shared.domain.fusion import fuse, ranks_of


def test_what_two_searches_found_comes_before_what_one_found_first() -> None:
    scores = fuse([(1.0, ranks_of("abc")), (1.0, ranks_of("db"))])
    assert max(scores, key=lambda key: scores[key]) == "b"
    assert scores["b"] == pytest.approx(1 / 62 + 1 / 62)
    assert scores["a"] == pytest.approx(1 / 61)


def test_the_first_place_of_a_key_counts() -> None:
    assert ranks_of("aba") == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("wanted", "room", "shares"),
    [
        ({"a": 50, "b": 3}, 50, {"a": 47, "b": 3}),
        ({"a": 50, "b": 50}, 50, {"a": 25, "b": 25}),
        ({"a": 50, "b": 50, "c": 50}, 50, {"a": 16, "b": 17, "c": 17}),
        ({"a": 0}, 50, {"a": 0}),
        ({}, 50, {}),
    ],
)
def test_small_groups_keep_all_and_large_ones_share_the_rest(
    wanted: dict[str, int], room: int, shares: dict[str, int]
) -> None:
    assert fair_shares(wanted, room) == shares
