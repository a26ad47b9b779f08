"""What `supastate queues` shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import JsonValue
from rich.console import Console, RenderableType

from cli import watching
from cli.views.queue import show_queue
from cli.views.queues import show_count, show_queues, show_seconds

NO_TIMES: Any = {"p50": None, "p95": None}
SAMPLE: dict[str, Any] = {
    "sampledAt": "2026-01-05T12:00:00Z",
    "state": "stalled",
    "oldestSeconds": 1800.0,
    "consumers": 1,
    "arrivedPerSecond": 2.0,
    "donePerSecond": 0.0,
    "waitSeconds": {"p50": 0.004, "p95": 3.0},
    "runSeconds": NO_TIMES,
    "drainSeconds": None,
}
COUNTS: dict[str, Any] = {
    "waiting": 10_001,
    "delayed": 0,
    "running": 0,
    "retrying": 0,
    "dead": 3,
}
QUEUE: dict[str, Any] = {
    "name": "memory_ingestion",
    "paused": None,
    "sample": SAMPLE,
} | COUNTS


def answer(**fields: Any) -> Any:
    return fields


def text_of(shown: RenderableType) -> str:
    console = Console(width=160)
    with console.capture() as capture:
        console.print(shown)
    return capture.get()


def test_a_stalled_queue_says_what_is_wrong() -> None:
    problems = [
        {"kind": "stalled", "text": "nothing is finished", "urgent": True},
        {"kind": "dead_letters", "text": "3 messages were given up.", "urgent": True},
    ]
    release = {"name": "1.4.2", "since": "2026-01-05T12:00:00Z"}
    shown = text_of(show_queues(answer(queues=[QUEUE], problems=problems, release=release)))

    for said in (
        "release 1.4.2 of the API since 2026-01-0",
        "stalled",
        "10,000+",
        "30 min",
        "nothing is finished",
        "given up. `supastate dlq",
    ):
        assert said in shown


def test_a_pause_says_who_and_why_and_no_markup_of_it_is_run() -> None:
    pause = {"at": "2026-01-05T12:00:00Z", "by": "ops", "reason": "[red]moved\x1b[2J"}

    shown = text_of(show_queues(answer(queues=[QUEUE | {"paused": pause}])))

    assert "by ops: [red]moved\N{REPLACEMENT CHARACTER}[2J" in shown


def test_a_queue_that_nobody_sampled_yet_shows_its_counts() -> None:
    shown = text_of(show_queues(answer(queues=[QUEUE | {"sample": None, "dead": 0}])))

    assert "memory_ingestion" in shown
    assert "–" in shown


def test_one_queue_is_shown_over_time() -> None:
    point = {
        "at": "2026-01-05T12:00:00Z",
        "complete": False,
        "waiting": 7,
        "oldestSeconds": 2.0,
        "consumers": None,
        "arrived": 4,
        "done": 1234,
        "failed": 0,
        "waitSeconds": {"p50": 0.004, "p95": 3.0},
        "runSeconds": NO_TIMES,
    }
    storage = {
        "deadTuples": 12,
        "tableBytes": 8e6,
        "indexBytes": 0,
        "archiveBytes": None,
    }
    queue = QUEUE | {"sample": SAMPLE | COUNTS, "storage": storage, "points": [point]}

    shown = text_of(show_queue(answer(**queue)))

    for said in ("12 dead rows", "8.0 MB", "1,234", "4 ms", " …"):
        assert said in shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "–"),
        (0.0, "0 s"),
        (0.0042, "4 ms"),
        (59.6, "60 s"),
        (180.0, "3 min"),
        (7200.0, "2 h"),
        (259_200.0, "3 d"),
    ],
)
def test_a_length_of_time_has_the_unit_that_fits_it(seconds: float | None, shown: str) -> None:
    assert show_seconds(seconds) == shown


def test_a_count_above_the_cap_says_that_there_are_more() -> None:
    assert (show_count(10_000), show_count(10_001)) == ("10,000", "10,000+")


def looks() -> Iterator[JsonValue]:
    yield {"queues": []}
    yield {"queues": ["ö"]}
    raise KeyboardInterrupt


def test_watched_json_is_a_line_for_each_look(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SUPASTATE_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("SUPASTATE_API_KEY", "sst_x")
    monkeypatch.setattr(watching, "EVERY_SECONDS", 0)
    answers = looks()

    watching.show_answer(lambda _: next(answers), str, watch=True, as_json=True)

    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == [{"queues": []}, {"queues": ["ö"]}]
