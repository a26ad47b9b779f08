"""A job's state and percent, by where its messages are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from services.api.jobs import describe_job, read_place, write_place
from shared.errors import InvalidInputError
from shared.postgres.jobs import Job, Progress

ID = UUID("0b1d3f0e-5f0c-4a39-9a3a-0e6f1c6b7d11")
CREATED = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("submitted", "places", "state", "percent", "gone"),
    [
        (0, {}, "done", 100.0, 0),
        (3, {"waiting": 3}, "waiting", 0.0, 0),
        (3, {"waiting": 2, "done": 1}, "running", 33.3, 0),
        (3, {"running": 3}, "running", 0.0, 0),
        (3, {"retrying": 1, "done": 2}, "retrying", 66.7, 0),
        (3, {"done": 3}, "done", 100.0, 0),
        (3, {"done": 2, "dead": 1}, "dead", 100.0, 0),
        (3, {"done": 1, "waiting": 1, "dead": 1}, "running", 66.7, 0),
        (3, {"done": 1}, "done", 100.0, 2),
    ],
)
def test_state_and_percent_follow_from_the_messages(
    submitted: int, places: dict[str, Any], state: str, percent: float, gone: int
) -> None:
    described = describe_job(Job(ID, "memory", submitted, CREATED), Progress(ID, **places))

    assert (described.state, described.percent) == (state, percent)
    assert described.counts.gone == gone


def test_a_page_starts_where_the_last_one_ended() -> None:
    job = Job(ID, "memory", 1, CREATED)

    assert read_place(write_place(job)) == (CREATED, ID)


def test_a_cursor_survives_other_time_zones() -> None:
    local = CREATED.astimezone(timezone(timedelta(hours=-9)))

    assert read_place(write_place(Job(ID, "memory", 1, local))).created_at == CREATED


@pytest.mark.parametrize(
    "cursor", ["", "x", f"{CREATED.isoformat()}_", f"_{ID}", f"2026-11-23T12:00:00_{ID}", "a\x00b"]
)
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInputError, match="before"):
        read_place(cursor)
