"""What a queue's figures say, in one word and in seconds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.queue_flow import Flow, Standing, State, drain_seconds, state_of

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
CALM = Standing(
    at=NOW,
    waiting=0,
    running=0,
    retrying=0,
    due_since=None,
    last_done_at=NOW - timedelta(seconds=1),
    consumers=1,
    is_paused=False,
)
AN_HOUR_AGO = NOW - timedelta(hours=1)
BACKLOG = replace(CALM, waiting=100, due_since=AN_HOUR_AGO)
SILENT = replace(BACKLOG, last_done_at=AN_HOUR_AGO)
QUIET = replace(CALM, last_done_at=None)


@pytest.mark.parametrize(
    ("standing", "state"),
    [
        (CALM, "idle"),
        (QUIET, "idle"),
        (BACKLOG, "working"),
        (replace(CALM, running=1), "working"),
        (SILENT, "stalled"),
        (replace(SILENT, last_done_at=None), "stalled"),
        (replace(SILENT, running=5), "stalled"),
        # One worker, and what it does takes minutes.
        (replace(SILENT, running=1, last_done_at=NOW - timedelta(minutes=3)), "working"),
        (replace(SILENT, due_since=NOW - timedelta(seconds=5)), "working"),
        (replace(SILENT, consumers=0), "unattended"),
        (replace(QUIET, consumers=0), "unattended"),
        # It polls: its consumers cannot be counted, but it works.
        (replace(BACKLOG, consumers=0), "working"),
        (replace(SILENT, consumers=0, is_paused=True), "paused"),
    ],
)
def test_a_queue_is_described_in_one_word(standing: Standing, state: State) -> None:
    assert state_of(standing) == state


def flow(*, arrived: int, done: int) -> Flow:
    return Flow(seconds=60, arrived=arrived, done=done, failed=0, wait=None, run=None)


def test_the_time_to_drain_is_that_of_the_pace_by_which_the_queue_shrinks() -> None:
    assert drain_seconds(BACKLOG, flow(arrived=60, done=180)) == pytest.approx(50)


@pytest.mark.parametrize("moved", [flow(arrived=0, done=0), flow(arrived=60, done=60)])
def test_a_queue_that_does_not_shrink_has_no_time_to_drain(moved: Flow) -> None:
    assert drain_seconds(BACKLOG, moved) is None


def test_an_empty_queue_is_drained_now() -> None:
    assert drain_seconds(CALM, flow(arrived=0, done=0)) == 0.0


def test_a_paused_queue_has_no_time_to_drain() -> None:
    paused = replace(BACKLOG, is_paused=True)

    assert drain_seconds(paused, flow(arrived=0, done=600)) is None


def test_nothing_that_waits_is_old() -> None:
    assert CALM.oldest_seconds == 0.0
    assert BACKLOG.oldest_seconds == 3600.0
