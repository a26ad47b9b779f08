"""All queues: what stands in them, how fast they move, and what is wrong."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.api_client import ApiClient
from cli.terminal import local_time, plain

COUNT_CAP: Final = 10_000
COLOURS: Final = {"stalled": "bold red", "unattended": "bold red", "paused": "yellow"}
NEXT_STEPS: Final = {
    "unattended": "`supastate local status` shows what runs.",
    "silent": "`supastate local status` shows what runs.",
    "dead_letters": "`supastate dlq` shows them.",
    "paused": "`supastate queues resume NAME` lets it go on.",
}


class FromApi(BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Times(FromApi):
    """Seconds."""

    p50: float | None
    p95: float | None


class Pause(FromApi):
    """Who paused a queue, and why."""

    at: datetime
    by: str
    reason: str


class Sample(FromApi):
    """A queue as it was last seen."""

    sampled_at: datetime
    state: str
    oldest_seconds: float
    consumers: int
    arrived_per_second: float
    done_per_second: float
    wait_seconds: Times
    run_seconds: Times
    drain_seconds: float | None


class Queue(FromApi):
    """One queue."""

    name: str
    waiting: int
    delayed: int
    running: int
    retrying: int
    dead: int
    paused: Pause | None = None
    sample: Sample | None = None


class Problem(FromApi):
    """What somebody should look at."""

    kind: str
    text: str
    urgent: bool


class Release(FromApi):
    """What of the API is deployed."""

    name: str
    since: datetime


class Queues(FromApi):
    """All of them."""

    queues: list[Queue]
    problems: list[Problem] = []
    release: Release | None = None


def read_queues(client: ApiClient) -> JsonValue:
    """Return the API's answer about all queues."""
    return client.get("/api/queues")


def pause_queue(client: ApiClient, name: str, reason: str) -> JsonValue:
    """Pause a queue; return the API's answer."""
    return client.post(f"/api/queues/{quote(name, safe='')}/pause", {"reason": reason})


def resume_queue(client: ApiClient, name: str) -> JsonValue:
    """Let a queue go on; return the API's answer."""
    return client.post(f"/api/queues/{quote(name, safe='')}/resume", {})


def show_queues(answer: JsonValue) -> RenderableType:
    """Return a table of the queues, and a line for whatever is wrong."""
    found = Queues.model_validate(answer)
    pauses = [_pause(queue.name, queue.paused) for queue in found.queues if queue.paused]
    told = [*[_problem(one) for one in found.problems], *pauses, *_release(found.release)]
    return Group(_table(found.queues), *told)


def show_count(count: int) -> str:
    """Return a count as the API makes it: it stops above 10,000."""
    return f"{COUNT_CAP:,}+" if count > COUNT_CAP else f"{count:,}"


def show_seconds(seconds: float | None) -> str:
    """Return a length of time in the unit that fits it."""
    if seconds is None:
        return "–"
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    for limit, divisor, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / divisor:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def has_changed(answer: JsonValue) -> bool:
    return isinstance(answer, dict) and answer.get("changed") is True


def _table(queues: list[Queue]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("queue", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for heading in (
        "ready", "delayed", "running", "retrying", "dead", "oldest", "in/s", "out/s",
        "wait p95", "run p95", "empty in", "consumers",
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for queue in queues:
        state = queue.sample.state if queue.sample else "–"
        counts = (queue.waiting, queue.delayed, queue.running, queue.retrying, queue.dead)
        table.add_row(
            plain(queue.name),
            Text(state, style=COLOURS.get(state, "")),
            *[show_count(count) for count in counts],
            *_figures(queue.sample),
        )
    return table


def _figures(sample: Sample | None) -> list[str]:
    if sample is None:
        return ["–"] * 7
    return [
        show_seconds(sample.oldest_seconds),
        f"{sample.arrived_per_second:.1f}",
        f"{sample.done_per_second:.1f}",
        show_seconds(sample.wait_seconds.p95),
        show_seconds(sample.run_seconds.p95),
        show_seconds(sample.drain_seconds),
        str(sample.consumers),
    ]


def _problem(problem: Problem) -> Text:
    said = f"{problem.text} {NEXT_STEPS.get(problem.kind, '')}".rstrip()
    return plain(said, "red" if problem.urgent else "yellow")


def _release(release: Release | None) -> list[Text]:
    if release is None:
        return []
    return [plain(f"release {release.name} of the API since {local_time(release.since)}")]


def _pause(name: str, pause: Pause) -> Text:
    return plain(f"{name}: paused since {local_time(pause.at)} by {pause.by}: {pause.reason}")
