"""How a failed delivery ends, and how lost ones are counted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from faststream.exceptions import AckMessage

from faststream_pgmq import BatchError, DeadLetter, Pause, Retry, RetryPolicy
from faststream_pgmq.delivery import (
    Delivery,
    Outgoing,
    Settlement,
    in_statements,
    merge_duplicates,
)
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


def test_an_override_decides_how_often_and_how_soon_after_its_errors() -> None:
    stubborn = RetryPolicy(max_attempts=9, initial_delay=7.0, multiplier=1.0, jitter=0.0)
    policy = RetryPolicy(max_attempts=1, overrides={OSError: stubborn})
    settlement = Settlement()

    judge(settlement, delivery(), ValueError("x"), policy)
    judge(settlement, delivery(), TimeoutError("x"), policy)
    judge(settlement, delivery(9, attempts=8), TimeoutError("x"), policy)

    assert [one.report["error"] for one in settlement.dead] == ["ValueError", "TimeoutError"]
    assert [one.delay for one in settlement.deferred] == [7.0]


@pytest.mark.parametrize(
    ("errors", "action"),
    [
        ([ValueError(), KeyError()], Action.BURY),
        ([ValueError(), Retry(delay=3.0)], Action.RETRY),
        ([KeyError(), ExceptionGroup("inner", [ValueError(), Pause()])], Action.PAUSE),
        ([AckMessage(), ValueError()], Action.RETRY),
        ([AckMessage()], Action.ACK),
    ],
)
def test_of_a_group_the_gravest_error_decides(errors: list[Exception], action: Action) -> None:
    policy = RetryPolicy(dead_letter_on=(LookupError,))

    verdict = judge(Settlement(), delivery(), ExceptionGroup("a task group", errors), policy)

    assert verdict.action is action


@pytest.mark.parametrize(
    ("policy", "action"),
    [
        (RetryPolicy(dead_letter_on=(ExceptionGroup,)), Action.BURY),
        (RetryPolicy(overrides={ExceptionGroup: RetryPolicy(max_attempts=1)}), Action.BURY),
        (RetryPolicy(overrides={Exception: RetryPolicy(max_attempts=1)}), Action.BURY),
        (RetryPolicy(overrides={ValueError: RetryPolicy(max_attempts=1)}), Action.BURY),
        (RetryPolicy(overrides={KeyError: RetryPolicy(max_attempts=1)}), Action.RETRY),
    ],
)
def test_a_policy_may_name_a_group_or_what_is_in_it(policy: RetryPolicy, action: Action) -> None:
    verdict = judge(Settlement(), delivery(), ExceptionGroup("g", [ValueError()]), policy)

    assert verdict.action is action


def test_a_group_shows_what_is_in_it() -> None:
    group = ExceptionGroup("g", [ValueError("a"), ExceptionGroup("h", [KeyError("b")])])

    settlement = Settlement()
    judge(settlement, delivery(), group, RetryPolicy(max_attempts=1))

    shown = (
        "g (2 sub-exceptions): ValueError: a; ExceptionGroup: h (1 sub-exception): KeyError: 'b'"
    )
    assert settlement.dead[0].report["message"] == shown


def test_a_retry_in_a_group_keeps_the_delay_it_asks_for() -> None:
    settlement = Settlement()
    group = ExceptionGroup("g", [ValueError(), Retry(delay=3.0), ValueError()])

    judge(settlement, delivery(), group, RetryPolicy(initial_delay=60.0))

    assert [one.delay for one in settlement.deferred] == [3.0]


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


def test_of_two_merged_messages_the_earlier_moment_counts() -> None:
    early, late = NOW, NOW.replace(year=2027)
    messages = [
        Outgoing("q", "1", {"dedup_key": "k"}, delay=None, at=late),
        Outgoing("q", "2", {"dedup_key": "k"}, delay=9.0),
        Outgoing("q", "3", {"dedup_key": "k"}, delay=None, at=early),
    ]

    (kept,), _ = merge_duplicates(messages)

    assert (kept.delay, kept.at) == (9.0, early)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([1] * 12_000, [5_000, 5_000, 2_000]),
        ([5_000_000] * 3, [1, 1, 1]),
        ([3_000_000] * 3, [2, 1]),
        ([90_000_000, 1], [1, 1]),
        ([], []),
    ],
)
def test_a_statement_sends_a_bounded_number_and_size(sizes: list[int], expected: list[int]) -> None:
    messages = [Outgoing("q", "x" * size, {}) for size in sizes]

    statements = [list(some) for some in in_statements(messages)]

    assert [len(some) for some in statements] == expected
    assert [one for some in statements for one in some] == messages
