"""Stored patterns of activity against what readers say of their evidence."""

from __future__ import annotations

from pathlib import Path

import pytest
from neo4j import AsyncDriver

from benchmarks.patterns_quality.__main__ import missed_gates, short_patterns
from benchmarks.patterns_quality.measuring import measure_all
from benchmarks.patterns_quality.truth import JudgedPattern, Share


async def test_patterns_are_true_by_the_labels(
    neo4j_driver: AsyncDriver, samples: Path, labelled: Path
) -> None:
    outcomes = await measure_all(neo4j_driver, samples.parent)
    whole, single = outcomes[:2], outcomes[2:]
    assert labelled.parent == samples.parent
    assert missed_gates(outcomes) == []
    assert all(len(one.patterns) >= 4 for one in outcomes)  # no bound is met by finding nothing
    assert sum(labelled.is_own_label for labelled in whole[0].corpus) == 30
    assert len(short_patterns(single)) <= 4
    for activity, least in (("debugging", 25), ("learning", 12), ("refactoring", 3)):
        assert single[1].sure_of_all(activity).of >= least


def test_a_pattern_that_is_half_true_falls_short() -> None:
    half = JudgedPattern("debugging", "x", "2026-W01", frozenset({"a"}), frozenset({"a", "b"}))
    assert half.share.value == 0.5


@pytest.mark.parametrize(
    ("share", "interval"), [(Share(8, 10), (0.4902, 0.9433)), (Share(0, 0), (0.0, 1.0))]
)
def test_an_interval_is_wilsons(share: Share, interval: tuple[float, float]) -> None:
    assert share.interval() == pytest.approx(interval, abs=1e-4)
