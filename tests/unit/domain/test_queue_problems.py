"""What is wrong with the queues, told in words, the most urgent first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.queue_flow import Standing
from shared.domain.queue_problems import Expectations, Watched, find_problems

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
USUAL = Expectations(oldest_seconds=300, sample_seconds=10)
CALM = Standing(
    at=NOW,
    waiting=0,
    running=0,
    retrying=0,
    due_since=None,
    last_done_at=NOW,
    consumers=2,
    is_paused=False,
)
WELL = Watched("orders", CALM, 0, doorbell=True, snapshot_holder=None, snapshot_seconds=None)
HALF_AN_HOUR_AGO = NOW - timedelta(minutes=30)


def kinds(watched: Watched, now: datetime = NOW) -> list[str]:
    return [problem.kind for problem in find_problems([watched], now, USUAL)]


def with_standing(**changes: object) -> Watched:
    return replace(WELL, standing=replace(CALM, **changes))  # pyright: ignore[reportArgumentType]  # fields of Standing


@pytest.mark.parametrize(
    ("watched", "found"),
    [
        (WELL, []),
        (with_standing(waiting=5, due_since=NOW - timedelta(seconds=299)), []),
        (with_standing(waiting=5, due_since=HALF_AN_HOUR_AGO), ["late"]),
        (
            with_standing(waiting=5, due_since=HALF_AN_HOUR_AGO, last_done_at=HALF_AN_HOUR_AGO),
            ["stalled"],
        ),
        (with_standing(consumers=0, last_done_at=HALF_AN_HOUR_AGO), ["unattended"]),
        (with_standing(waiting=5, due_since=HALF_AN_HOUR_AGO, is_paused=True), ["paused"]),
        (replace(WELL, failed_lately=3), ["dead_letters"]),
        (replace(WELL, silent=2), ["silent"]),
        (replace(WELL, doorbell=False), ["deaf"]),
        (replace(WELL, snapshot_holder="session", snapshot_seconds=7200.0), ["old_snapshot"]),
        (replace(WELL, snapshot_holder="session", snapshot_seconds=60.0), []),
    ],
)
def test_a_problem_is_told_where_there_is_one(watched: Watched, found: list[str]) -> None:
    assert kinds(watched) == found


def test_old_figures_are_a_problem_of_their_own() -> None:
    assert kinds(WELL, NOW + timedelta(seconds=29)) == []
    assert kinds(WELL, NOW + timedelta(seconds=31)) == ["unsampled"]
    assert [one.kind for one in find_problems([], NOW, USUAL)] == ["unsampled"]


def test_a_pause_that_somebody_meant_stands_behind_what_nobody_did() -> None:
    paused = replace(with_standing(is_paused=True), failed_lately=1)

    assert kinds(paused) == ["dead_letters", "paused"]


def test_the_text_says_how_long_the_oldest_message_has_waited() -> None:
    alone = with_standing(
        consumers=0, due_since=HALF_AN_HOUR_AGO, waiting=1, last_done_at=HALF_AN_HOUR_AGO
    )
    (problem,) = find_problems([alone], NOW, USUAL)

    assert problem.text == ("orders has no consumers; the oldest message has waited 30 min 00 s.")
