"""A goal that is missed is never taken for one that holds."""

from __future__ import annotations

import pytest

from benchmarks.figures import Results, ratio_of_rounds


def test_a_run_without_a_missed_goal_is_good() -> None:
    results = Results()
    results.at_least("drain", "at the bound", 0.6, 0.6)
    results.at_most("wake", "at the bound", 1.3, 1.3)
    results.above("drain", "beyond it", 1.01, 1.0)
    results.below("wake", "beyond it", 0.99, 1.0)
    assert results.is_good


@pytest.mark.parametrize(
    ("method", "value", "wanted"),
    [
        ("at_least", 0.59, "≥ 1"),
        ("at_most", 1.01, "≤ 1"),
        ("above", 1.0, "> 1"),
        ("below", 1.0, "< 1"),
    ],
)
def test_one_missed_goal_spoils_a_run(method: str, value: float, wanted: str) -> None:
    results = Results()
    results.at_least("drain", "another that holds", 2.0, 1.0)
    getattr(results, method)("drain", "missed", value, 1.0)
    assert not results.is_good
    assert results.goals[-1].wanted == wanted
    assert [goal["is_met"] for goal in results.as_json()["goals"]] == [True, False]


def test_a_ratio_is_that_of_neighbours_not_of_a_whole_run() -> None:
    assert ratio_of_rounds([10.0, 100.0, 1_000.0], [20.0, 200.0, 500.0]) == 0.5
