"""How a failed delivery ends, and how lost ones are counted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from faststream_pgmq import BatchError, DeadLetter, Pause, Retry, RetryPolicy
from faststream_pgmq.delivery import Delivery, Outgoing, Settlement, merge_duplicates
from faststream_pgmq.subscriber.verdict import Action, judge

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def delivery(read_ct: int = 1, **headers: Any) -> Delivery:
    return Delivery("jobs", 1, read_ct, NOW, NOW, "{}", headers)


@pytest.mark.parametrize(
    ("read_ct", "headers", "lost"),
    [
        (1, {}, 0),
        (5, {}, 4),
        (5, {"attempts": 4}, 0),
        (5, {"attempts": 1, "released": 2}, 1),
        (1, {"attempts": 7}, 0),
        (3, {"attempts": "2", "released": None}, 2),
        (3, {"attempts": -9, "released": True}, 2),
    ],
)
def test_a_lost_delivery_is_one_that_nobody_ended(
    read_ct: int, headers: dict[str, Any], lost: int
) -> None:
    assert delivery(read_ct, **headers).lost == lost


@pytest.mark.parametrize(
    ("error", "attempts", "action"),
    [
        (ValueError(), 0, Action.RETRY),
        (ValueError(), 4, Action.BURY),
        (Retry(), 3, Action.RETRY),
        (Retry(), 4, Action.BURY),
        (DeadLetter(), 0, Action.BURY),
        (Pause(), 4, Action.PAUSE),
        (KeyError(), 0, Action.BURY),
        (ConnectionError(), 4, Action.PAUSE),
        (BatchError({0: DeadLetter()}), 0, Action.BURY),
    ],
)
def test_the_class_of_the_error_decides(error: Exception, attempts: int, action: Action) -> None:
    policy = RetryPolicy(dead_letter_on=(LookupError,), pause_on=(OSError,))
    settlement = Settlement()

    verdict = judge(settlement, delivery(attempts + 1, attempts=attempts), error, policy)

    assert verdict.action is action
    assert len(settlement.dead) == int(action is Action.BURY)
    assert len(settlement.deferred) == int(action is not Action.BURY)


def test_a_pause_uses_no_attempt_up_and_a_failure_does() -> None:
    settlement = Settlement()
    judge(settlement, delivery(3, attempts=1, released=1), Pause(), RetryPolicy())
    judge(settlement, delivery(3, attempts=1, released=1), ValueError("x"), RetryPolicy())

    paused, failed = (one.headers for one in settlement.deferred)
    assert paused == {"released": 2}
    assert failed == {"attempts": 2, "last_error": "ValueError: x"}


def test_messages_with_one_key_become_one_that_remembers_all_traces() -> None:
    messages = [
        Outgoing("q", "1", {"dedup_key": "b", "traceparent": "t1"}, delay=9.0),
        Outgoing("q", "2", {}),
        Outgoing("q", "3", {"dedup_key": "a"}),
        Outgoing(
            "q", "4", {"dedup_key": "b", "traceparent": "t4", "tracelinks": ["t5"]}, delay=2.0
        ),
    ]

    kept, positions = merge_duplicates(messages)

    assert [message.text for message in kept] == ["2", "3", "1"]
    assert positions == [1, 2, 0]
    assert (kept[2].headers["tracelinks"], kept[2].delay) == (["t4", "t5"], 2.0)
