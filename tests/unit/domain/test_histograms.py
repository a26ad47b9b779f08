"""Times in buckets: any ranges add up, and quantiles are near the truth."""

from __future__ import annotations

import math
import random

import pytest

from shared.domain.histograms import BOUNDS, add_up, bucket_of, quantile


def histogram(times: list[float]) -> list[int]:
    counts = [0] * (len(BOUNDS) + 1)
    for seconds in times:
        counts[bucket_of(seconds)] += 1
    return counts


def test_buckets_reach_from_a_millisecond_to_nine_days() -> None:
    assert bucket_of(0.0) == bucket_of(-1.0) == 0
    assert bucket_of(0.001) == 1
    assert bucket_of(9 * 86_400) == len(BOUNDS)


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_a_quantile_is_within_a_bucket_of_the_truth(share: float) -> None:
    chance = random.Random(1)
    times = sorted(math.exp(chance.gauss(-1, 2)) for _ in range(10_000))

    found = quantile(histogram(times), share)

    assert found is not None
    assert found == pytest.approx(times[int(share * len(times)) - 1], rel=0.19)


def test_ranges_add_up_whatever_their_lengths() -> None:
    quick, slow = histogram([0.002] * 3)[:5], histogram([40.0])

    assert add_up([quick, None, slow]) == histogram([0.002] * 3 + [40.0])
    assert add_up([None, None]) == []


def test_nothing_finished_has_no_quantile() -> None:
    assert quantile([], 0.5) is None
    assert quantile([0, 0], 0.5) is None
    assert quantile(None, 0.5) is None


def test_what_is_beyond_all_bounds_counts_as_the_last_bound() -> None:
    assert quantile(histogram([1e9]), 0.5) == BOUNDS[-1]
