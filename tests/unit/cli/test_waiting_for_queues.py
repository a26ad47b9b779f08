"""When queues count as drained."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cli.api_client import ApiClient
from cli.queues import NotDrainedError, QueueCounts, read_queues, wait_until_drained
from tests.unit.cli.conftest import FakeApi


def wait(client: ApiClient, seen: list[int], timeout_seconds: float = 5.0) -> Sequence[QueueCounts]:
    return wait_until_drained(
        lambda: read_queues(client),
        lambda counts: seen.append(sum(count.left for count in counts)),
        timeout_seconds=timeout_seconds,
        poll_seconds=0.01,
    )


def test_the_wait_ends_when_the_queues_stay_empty(api: FakeApi, client: ApiClient) -> None:
    api.queues = [5, 0, 2, 0, 0, 0]
    seen: list[int] = []

    wait(client, seen)

    assert seen == [5, 0, 2, 0, 0, 0]


def test_messages_sent_for_later_do_not_keep_the_wait_going(
    api: FakeApi, client: ApiClient
) -> None:
    api.queues = [0]

    assert [count.delayed for count in wait(client, [])] == [9, 9, 9]


def test_a_wait_that_takes_too_long_says_what_is_left(api: FakeApi, client: ApiClient) -> None:
    api.queues = [3]

    with pytest.raises(NotDrainedError, match="3 in memory_ingestion"):
        wait(client, [], timeout_seconds=0.05)
