"""A job's state and percent, by where its messages are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.api.job_answers import describe_job
from services.api.job_filters import read_filter, read_terms
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
        (3, {"done": 1, "cancelled": 2}, "cancelled", 100.0, 0),
        (3, {"dead": 1, "cancelled": 2}, "dead", 100.0, 0),
        (3, {"running": 1, "cancelled": 2}, "running", 66.7, 0),
        (3, {"retrying": 1, "cancelled": 2}, "retrying", 66.7, 0),
    ],
)
def test_state_and_percent_follow_from_the_messages(
    submitted: int, places: dict[str, Any], state: str, percent: float, gone: int
) -> None:
    described = describe_job(Job(ID, ID, "memory", submitted, CREATED), Progress(ID, **places))

    assert (described.state, described.percent) == (state, percent)
    assert described.counts.gone == gone


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("args.limit:1000", [("limit", "1000")]),
        ("limit:1000", [("limit", "1000")]),
        (
            'args.project_name:"two words" args.reason:x',
            [("project_name", "two words"), ("reason", "x")],
        ),
        ("args.url:http://host:1/x", [("url", "http://host:1/x")]),
        ('args.name:""', [("name", "")]),
    ],
)
def test_a_search_names_fields_and_values(text: str, terms: list[tuple[str, str]]) -> None:
    assert [(term.name, term.value) for term in read_terms(text)] == terms


@pytest.mark.parametrize("text", ["x", "args.", "args.a:1 and", ":x", " ", " ".join(["a:1"] * 6)])
def test_a_search_that_is_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"args\.limit:1000"):
        read_terms(text)


def test_a_heartbeat_is_one_lease_before_the_lease_ends() -> None:
    progress = Progress(ID, running=1, held_until=CREATED)

    described = describe_job(Job(ID, ID, "memory", 1, CREATED), progress, timedelta(minutes=1))

    assert described.last_heartbeat == CREATED - timedelta(minutes=1)


def test_a_queues_jobs_are_of_its_kinds() -> None:
    assert read_filter(queue="pattern_detection", kind="memory").kinds == []
    assert read_filter(queue="memory_ingestion", kind="memory").kinds == ["memory"]
    with pytest.raises(InvalidInputError, match="queue"):
        read_filter(queue="q")
