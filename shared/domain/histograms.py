"""Times counted in fixed buckets, so that any ranges of minutes add up. Pure.

Bucket 0 is below 1 ms; each next one ends at the square root of two times the one before, up to
nine days; the last one has no end. A quantile is off by 19 % at most.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

SHORTEST_SECONDS: Final = 0.001
BOUNDS: Final = tuple(SHORTEST_SECONDS * 2 ** (n / 2) for n in range(60))
"""Seconds; where each bucket ends, and the next one begins."""


def bucket_of(seconds: float) -> int:
    """Return the bucket of a time, as Postgres' `width_bucket` finds it."""
    return bisect_right(BOUNDS, seconds)


def add_up(histograms: Sequence[Sequence[int] | None]) -> list[int]:
    """Return the sum; histograms may be of any length, or None."""
    total = [0] * max((len(one) for one in histograms if one), default=0)
    for one in histograms:
        for bucket, count in enumerate(one or ()):
            total[bucket] += count
    return total


def quantile(counts: Sequence[int] | None, share: float) -> float | None:
    """Return the seconds below which `share` of the times are; None where there are no times.

    Args:
        share: 0.0 to 1.0.
    """
    total = sum(counts or ())
    if not counts or not total:
        return None
    wanted, below = share * total, 0
    for bucket, count in enumerate(counts):
        if count and below + count >= wanted:
            return _inside(bucket, (wanted - below) / count)
        below += count
    return BOUNDS[min(len(counts), len(BOUNDS)) - 1]


def _inside(bucket: int, share: float) -> float:
    """Return a time inside a bucket, by the logarithm; nothing is known of where they are."""
    if bucket == 0:
        return SHORTEST_SECONDS * share
    if bucket == len(BOUNDS):
        return BOUNDS[-1]
    return BOUNDS[bucket - 1] * math.sqrt(2) ** share
