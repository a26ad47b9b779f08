"""The retry policy's arithmetic."""

from __future__ import annotations

from typing import Any

import pytest

from faststream_pgmq import RetryPolicy


@pytest.mark.parametrize(
    ("failures", "expected"), [(1, 1.0), (2, 2.0), (3, 4.0), (9, 256.0), (10, 300.0), (9999, 300.0)]
)
def test_the_delay_doubles_up_to_its_ceiling(failures: int, expected: float) -> None:
    assert RetryPolicy(jitter=0.0).delay(failures) == expected


def test_jitter_only_shortens_and_never_by_more_than_its_share() -> None:
    policy = RetryPolicy(initial_delay=10.0, jitter=0.5)
    delays = [policy.delay(1) for _ in range(200)]

    assert 5.0 <= min(delays) < max(delays) <= 10.0


@pytest.mark.parametrize(
    "wrong", [{"max_attempts": 0}, {"initial_delay": -1.0}, {"max_delay": -1.0}, {"jitter": 1.5}]
)
def test_a_value_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        RetryPolicy(**wrong)


def test_an_error_is_retried_by_the_override_for_its_nearest_class() -> None:
    of_os, of_timeouts = RetryPolicy(max_attempts=20), RetryPolicy(max_attempts=2)
    policy = RetryPolicy(overrides={OSError: of_os, TimeoutError: of_timeouts})

    assert policy.for_error(ConnectionResetError()) is of_os
    assert policy.for_error(TimeoutError()) is of_timeouts
    assert policy.for_error(ValueError()) is policy


@pytest.mark.parametrize(
    "inner",
    [
        RetryPolicy(dead_letter_on=(KeyError,)),
        RetryPolicy(pause_on=(KeyError,)),
        RetryPolicy(overrides={KeyError: RetryPolicy()}),
    ],
)
def test_an_override_that_says_more_than_attempts_and_delays_is_refused(
    inner: RetryPolicy,
) -> None:
    with pytest.raises(ValueError, match="override for OSError must only"):
        RetryPolicy(overrides={OSError: inner})


def test_policies_with_overrides_can_be_compared_and_hashed() -> None:
    one, other = (RetryPolicy(overrides={OSError: RetryPolicy(max_attempts=2)}) for _ in range(2))

    assert one == other
    assert hash(one) == hash(other)
