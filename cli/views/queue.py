"""One queue over time."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import quote

from pydantic import JsonValue
from rich.console import Group, RenderableType
from rich.table import Table

from cli.api_client import ApiClient
from cli.terminal import local_time, plain
from cli.views.queues import FromApi, Pause, Sample, Times, show_count, show_seconds

MOST_LINES: Final = 20


class Counted(Sample):
    """The last sample, with what stands in the queue."""

    waiting: int
    delayed: int
    running: int
    retrying: int
    dead: int


class Point(FromApi):
    """One step."""

    at: datetime
    complete: bool
    waiting: int | None
    oldest_seconds: float | None
    consumers: int | None
    arrived: int
    done: int
    failed: int
    wait_seconds: Times
    run_seconds: Times


class Storage(FromApi):
    """What the queue takes on disk."""

    dead_tuples: int | None
    table_bytes: int | None
    index_bytes: int | None
    archive_bytes: int | None


class Queue(FromApi):
    """A queue in the course of time."""

    name: str
    paused: Pause | None
    sample: Counted
    storage: Storage
    points: list[Point]


def read_queue(
    client: ApiClient,
    *,
    name: str,
    minutes: int,
    begin: datetime | None = None,
    end: datetime | None = None,
) -> JsonValue:
    """Return the API's answer about one queue; moments without an offset are of this place."""
    asked = {
        "minutes": minutes,
        "from": begin and begin.astimezone().isoformat(),
        "to": end and end.astimezone().isoformat(),
    }
    return client.get(f"/api/queues/{quote(name, safe='')}", asked)


def show_queue(answer: JsonValue) -> RenderableType:
    """Return how the queue stands, and its newest steps."""
    queue = Queue.model_validate(answer)
    sample, storage = queue.sample, queue.storage
    head = (
        f"{queue.name}: {sample.state}, as of {local_time(sample.sampled_at)}",
        f"{show_count(sample.waiting)} ready, {show_count(sample.delayed)} delayed, "
        f"{show_count(sample.running)} running, {show_count(sample.retrying)} retrying, "
        f"{show_count(sample.dead)} dead; oldest {show_seconds(sample.oldest_seconds)}; "
        f"{sample.consumers} consumers; empty in {show_seconds(sample.drain_seconds)}",
        f"{storage.dead_tuples or 0:,} dead rows; queue {_megabytes(storage.table_bytes)}, "
        f"indexes {_megabytes(storage.index_bytes)}, archive {_megabytes(storage.archive_bytes)}",
    )
    pause = queue.paused
    why = [plain(f"paused by {pause.by}: {pause.reason}", "yellow")] if pause else []
    return Group(*map(plain, head), *why, _table(queue.points[-MOST_LINES:]))


def _table(points: list[Point]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("minute", no_wrap=True)
    for heading in (
        "ready", "oldest", "in", "out", "dead letters", "wait p50", "p95", "run p50", "p95",
        "consumers",
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for point in points:
        table.add_row(
            local_time(point.at) + ("" if point.complete else " …"),
            "–" if point.waiting is None else show_count(point.waiting),
            show_seconds(point.oldest_seconds),
            *[f"{count:,}" for count in (point.arrived, point.done, point.failed)],
            show_seconds(point.wait_seconds.p50),
            show_seconds(point.wait_seconds.p95),
            show_seconds(point.run_seconds.p50),
            show_seconds(point.run_seconds.p95),
            "–" if point.consumers is None else str(point.consumers),
        )
    return table


def _megabytes(count: int | None) -> str:
    return "–" if count is None else f"{count / 1_000_000:.1f} MB"
