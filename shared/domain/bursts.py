"""Finds the half hours in which most happened. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from shared.domain.work_sessions import Moment

WINDOW: Final = timedelta(minutes=30)
MINIMUM: Final = 5


def find_bursts(moments: Sequence[Moment]) -> list[tuple[Moment, ...]]:
    """Return windows of at most half an hour with at least five of the ordered moments, in order.

    The fullest comes first and takes its moments, then the fullest of what is left on either
    side: none overlaps another, and none could hold more.
    """
    found: list[tuple[int, int]] = []
    left = [(0, len(moments))]
    while left:
        start, end = left.pop()
        first, last = _fullest(moments, start, end)
        if last - first >= MINIMUM:
            found.append((first, last))
            left += [(start, first), (last, end)]
    return [tuple(moments[first:last]) for first, last in sorted(found)]


def _fullest(moments: Sequence[Moment], start: int, end: int) -> tuple[int, int]:
    """Return the earliest of the fullest windows inside a part."""
    best, last = (start, start), start
    for first in range(start, end):
        until = moments[first].occurred_at + WINDOW
        while last < end and moments[last].occurred_at <= until:
            last += 1
        if last - first > best[1] - best[0]:
            best = (first, last)
    return best
