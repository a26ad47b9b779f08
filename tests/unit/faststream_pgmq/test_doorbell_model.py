"""No interleaving of the doorbell's protocol loses a wake-up; without its second read, one does."""

from __future__ import annotations

import pytest

from tests.unit.faststream_pgmq.doorbell_model import At, Protocol, find_lost_wake_up


@pytest.mark.parametrize(("senders", "consumers"), [(1, 1), (2, 1), (1, 2), (2, 2), (3, 2), (2, 3)])
def test_no_interleaving_loses_a_wake_up(senders: int, consumers: int) -> None:
    assert find_lost_wake_up(senders, consumers) is None


@pytest.mark.parametrize("consumers", [1, 2])
def test_without_the_second_read_a_wake_up_is_lost(consumers: int) -> None:
    world = find_lost_wake_up(2, consumers, Protocol(reads_again=False))
    assert world is not None
    assert world.visible > 0
    assert sum(one.at is At.ASLEEP for one in world.consumers) == 1


@pytest.mark.parametrize(("senders", "consumers"), [(1, 1), (2, 1), (1, 2), (2, 2)])
def test_no_session_that_ends_or_goes_deaf_loses_a_wake_up(senders: int, consumers: int) -> None:
    assert find_lost_wake_up(senders, consumers, misfortunes=2) is None


@pytest.mark.parametrize("consumers", [1, 2])
def test_without_a_probe_a_deaf_listener_loses_a_wake_up(consumers: int) -> None:
    world = find_lost_wake_up(1, consumers, Protocol(probes=False), misfortunes=1)
    assert world is not None
    assert any(one.deaf and one.holds_bed for one in world.consumers)
