"""Detection that nobody waits for rests in proportion to its work."""

from __future__ import annotations

import asyncio

import pytest

from services.patterns import resting
from services.patterns.resting import FULL, Pace, choose_pace
from shared.messages import JOB_ID_HEADER


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was slept; every piece of work takes two seconds of this clock."""
    slept: list[float] = []
    ticks = iter(range(0, 1_000, 2))

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(resting, "monotonic", lambda: float(next(ticks)))
    monkeypatch.setattr(asyncio, "sleep", sleep)
    return slept


@pytest.mark.parametrize(("share", "seconds"), [(0.5, 2.0), (0.25, 6.0), (0.8, 0.5)])
async def test_a_rest_is_as_long_as_the_share_asks(
    rests: list[float], share: float, seconds: float
) -> None:
    async with Pace(share).kept():
        pass
    async with Pace(share).kept():
        pass
    assert rests == pytest.approx([seconds, seconds])


async def test_at_full_pace_nothing_rests(rests: list[float]) -> None:
    async with FULL.kept():
        pass
    assert rests == []


async def test_what_failed_is_not_waited_for(rests: list[float]) -> None:
    with pytest.raises(RuntimeError):
        async with Pace(0.5).kept():
            raise RuntimeError
    assert rests == []


def test_only_a_request_that_nobody_waits_for_rests() -> None:
    assert choose_pace({}, 0.5) == Pace(0.5)
    assert choose_pace({JOB_ID_HEADER: "one"}, 0.5) == FULL
