"""Jobs while they run: one as the API tells of it, or a table that is drawn again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final
from uuid import UUID

from pydantic import JsonValue
from rich.live import Live
from rich.text import Text

from cli.api_client import ApiClient, ApiUnreachableError
from cli.terminal import local_time, out, plain, print_json_line
from cli.views.jobs import COLOURS, Job, Wanted, list_jobs, show_jobs

DRAW_SECONDS: Final = 2.0
ENDED: Final = "ended"
BACK_SECONDS: Final = 2.0


def watch_job(client: ApiClient, job_id: UUID, *, as_json: bool) -> None:
    """Print a line whenever something about a job changes, until it ends."""
    with suppress(KeyboardInterrupt):
        for state in _follow(client, job_id):
            if as_json:
                print_json_line(state)
            else:
                out().print(describe(Job.model_validate(state)))


def watch_jobs(client: ApiClient, wanted: Wanted, *, as_json: bool) -> None:
    """Draw the jobs that are wanted again and again; as JSON, print a line each time."""
    with suppress(KeyboardInterrupt):
        if as_json:
            while True:
                print_json_line(list_jobs(client, wanted))
                time.sleep(DRAW_SECONDS)
        with Live(console=out(), auto_refresh=False) as drawing:
            while True:
                drawing.update(show_jobs(list_jobs(client, wanted), wanted), refresh=True)
                time.sleep(DRAW_SECONDS)


def describe(job: Job) -> Text:
    """Return a job as one line."""
    counts = job.counts.model_dump().items()
    places = ", ".join(f"{number:,} {place}" for place, number in counts if number)
    heard = f", heard of {local_time(job.last_heartbeat)}" if job.last_heartbeat else ""
    step = f", now: {job.step}" if job.step else ""
    error = f": {job.last_error}" if job.last_error else ""
    line = f"{job.percent:5.1f} %  {job.state}  {places}{step}{heard}{error}"
    return plain(line, COLOURS.get(job.state, ""))


def _follow(client: ApiClient, job_id: UUID) -> Iterator[JsonValue]:
    shown: JsonValue = None
    while True:
        try:
            for name, data in client.stream(f"/api/jobs/{job_id}/events"):
                if name == ENDED:
                    return
                if name == "progress" and data != shown:
                    shown = data
                    yield data
        except ApiUnreachableError:  # it is started again, or the network was away
            pass
        time.sleep(BACK_SECONDS)
