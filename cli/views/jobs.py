"""Jobs and where their messages are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.api_client import ApiClient
from cli.terminal import local_time, plain

ID_CHARACTERS: Final = 36
"""Never cut: it is there to be copied."""
COLOURS: Final = {"done": "green", "dead": "red", "retrying": "yellow"}


class Counts(BaseModel):
    """Where a job's messages are."""

    waiting: int
    running: int
    retrying: int
    done: int
    dead: int


class Job(BaseModel):
    """One job."""

    model_config = ConfigDict(alias_generator=to_camel)

    id: str
    kind: str
    state: str
    percent: float
    submitted: int
    counts: Counts
    last_error: str | None
    created_at: datetime


class Page(BaseModel):
    """Jobs, newest first."""

    jobs: list[Job]
    next: str | None


def find_job(client: ApiClient, job_id: object) -> JsonValue:
    """Return the API's answer about one job."""
    return client.get(f"/api/jobs/{job_id}")


def list_jobs(client: ApiClient, limit: int) -> JsonValue:
    """Return the API's answer about the newest jobs."""
    return client.get("/api/jobs", {"limit": limit})


def show_jobs(answer: JsonValue) -> RenderableType:
    """Return a table of a page of jobs, or of one job."""
    if isinstance(answer, dict) and "jobs" in answer:
        page = Page.model_validate(answer)
    else:
        page = Page(jobs=[Job.model_validate(answer)], next=None)
    if not page.jobs:
        return plain("No jobs yet. `supastate import git . --wait` makes the first.")
    more = [plain("There are older ones: --limit shows more.", "dim")] if page.next else []
    return Group(_table(page.jobs), *_errors(page.jobs), *more)


def _table(jobs: list[Job]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("job", no_wrap=True, min_width=ID_CHARACTERS)
    for heading in ("kind", "created", "state"):
        table.add_column(heading, no_wrap=True)
    table.add_column("done", justify="right", no_wrap=True)
    for job in jobs:
        counts = job.counts
        left = counts.waiting + counts.running + counts.retrying
        state = f"{counts.dead:,} dead" if counts.dead else job.state
        table.add_row(
            job.id,
            plain(job.kind),
            local_time(job.created_at),
            Text(state, style=COLOURS.get(job.state, "")),
            f"{job.submitted - left - counts.dead:,}/{job.submitted:,}",
        )
    return table


def _errors(jobs: list[Job]) -> Iterator[Text]:
    for job in jobs:
        if job.last_error:
            yield plain(f"{job.id}: {job.last_error}", "red" if job.counts.dead else "yellow")
