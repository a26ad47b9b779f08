"""Jobs and where their messages are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.api_client import ApiClient
from cli.terminal import local_time, out, plain, print_json

ID_CHARACTERS: Final = 36
"""Never cut: it is there to be copied."""
COLOURS: Final = {"done": "green", "dead": "red", "retrying": "yellow", "cancelled": "dim"}


class Answer(BaseModel):
    """JSON in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)


class Counts(Answer):
    """Where a job's messages are."""

    waiting: int
    running: int
    retrying: int
    done: int
    cancelled: int
    dead: int


class Step(Answer):
    """What a worker does with what it has in hand."""

    name: str
    done: int
    total: int
    percent: float | None

    def __str__(self) -> str:
        counted = f" {self.done:,}/{self.total:,} ({self.percent} %)" if self.total else ""
        return self.name + counted


class Job(Answer):
    """One job."""

    id: str
    kind: str
    state: str
    percent: float
    submitted: int
    counts: Counts
    last_error: str | None
    last_heartbeat: datetime | None
    step: Step | None
    created_at: datetime


class Message(Answer):
    """One message of a job."""

    queue: str
    id: int
    state: str
    attempts: int
    enqueued_at: datetime
    trace_id: str | None
    excerpt: str | None


class Error(Answer):
    """Why an attempt failed."""

    at: datetime | None
    queue: str
    message_id: int
    error: str


class Event(Answer):
    """Something that happened."""

    at: datetime
    kind: str
    count: int
    queue: str | None
    message_id: int | None
    text: str
    trace_id: str | None


class Product(Answer):
    """What the job wrote."""

    kind: str
    id: str
    title: str | None
    is_there: bool


class Detail(Job):
    """One job with its messages."""

    errors: list[Error]
    messages: list[Message]
    messages_not_shown: int
    events: list[Event]
    produced: list[Product]
    produced_more: bool


class Searched(Answer):
    """How far a page looked."""

    jobs: int
    back_to: datetime | None
    is_complete: bool


class Page(Answer):
    """Jobs, newest first."""

    jobs: list[Job]
    next: str | None
    searched: Searched


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which jobs to show."""

    state: str | None = None
    queue: str | None = None
    project: str | None = None
    search: str | None = None
    since: datetime | None = None
    limit: int = 20
    until: datetime | None = None
    kind: str | None = None
    user: UUID | None = None
    before: str | None = None

    @property
    def is_filtered(self) -> bool:
        named = (self.state, self.queue, self.project, self.search, self.kind, self.user)
        return any(named) or any((self.since, self.until))


def print_jobs(client: ApiClient, job_id: UUID | None, wanted: Wanted, *, as_json: bool) -> None:
    """Print one job, or those that are wanted."""
    answer = find_job(client, job_id) if job_id else list_jobs(client, wanted)
    if as_json:
        print_json(answer)
    else:
        out().print(show_job(answer) if job_id else show_jobs(answer, wanted))


def find_job(client: ApiClient, job_id: object) -> JsonValue:
    """Return the API's answer about one job."""
    return client.get(f"/api/jobs/{job_id}")


def list_jobs(client: ApiClient, wanted: Wanted) -> JsonValue:
    """Return the API's answer about the newest jobs that are wanted."""
    return client.get(
        "/api/jobs",
        {
            "state": wanted.state,
            "queue": wanted.queue,
            "project": wanted.project,
            "search": wanted.search,
            "since": wanted.since and wanted.since.isoformat(),
            "until": wanted.until and wanted.until.isoformat(),
            "kind": wanted.kind,
            "user": wanted.user and str(wanted.user),
            "limit": wanted.limit,
            "before": wanted.before,
        },
    )


def show_jobs(answer: JsonValue, wanted: Wanted) -> RenderableType:
    """Return a table of a page of jobs."""
    page = Page.model_validate(answer)
    if not page.jobs and not wanted.is_filtered:
        return plain("No jobs yet. `supastate import git . --wait` makes the first.")
    table = [_table(page.jobs), *_errors(page.jobs)] if page.jobs else [plain("No such jobs.")]
    return Group(*table, *_range(page, wanted))


def show_job(answer: JsonValue) -> RenderableType:
    """Return one job with its messages."""
    job = Detail.model_validate(answer)
    more = [plain(f"{job.messages_not_shown:,} more", "dim")] if job.messages_not_shown else []
    errors = [
        plain(f"{local_time(one.at)} {one.queue} {one.message_id}: {one.error}", "red")
        for one in job.errors
    ]
    steps = [plain(f"now: {job.step}", "cyan")] if job.step else []
    return Group(
        _table([job]),
        *steps,
        *errors,
        _messages(job.messages),
        *more,
        *_events(job.events),
        *_produced(job),
    )


def _range(page: Page, wanted: Wanted) -> Iterator[Text]:
    looked = page.searched
    if wanted.is_filtered and not looked.is_complete:
        yield plain(
            f"Looked at {looked.jobs:,} jobs, back to {local_time(looked.back_to)}; "
            f"there are older ones: --before {page.next}",
            "dim",
        )
    elif page.next:
        yield plain(f"There are older ones: --before {page.next}", "dim")


def _table(jobs: list[Job]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("job", no_wrap=True, min_width=ID_CHARACTERS)
    for heading in ("kind", "created", "state"):
        table.add_column(heading, no_wrap=True)
    table.add_column("done", justify="right", no_wrap=True)
    for job in jobs:
        state = f"{job.counts.dead:,} dead" if job.counts.dead else job.state
        table.add_row(
            job.id,
            plain(job.kind),
            local_time(job.created_at),
            Text(state, style=COLOURS.get(job.state, "")),
            f"{_done(job):,}/{job.submitted:,}",
        )
    return table


def _done(job: Job) -> int:
    counts = job.counts
    left = counts.waiting + counts.running + counts.retrying + counts.cancelled
    return job.submitted - left - counts.dead


def _messages(messages: list[Message]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("queue", "message", "state", "attempts", "sent", "trace"):
        table.add_column(heading, no_wrap=True)
    for one in messages:
        table.add_row(
            plain(one.queue),
            str(one.id),
            Text(one.state, style=COLOURS.get(one.state, "")),
            str(one.attempts),
            local_time(one.enqueued_at),
            plain(one.trace_id or "–"),
        )
    return table


def _events(events: list[Event]) -> Iterator[Text]:
    for one in events:
        message = f" {one.message_id}" if one.message_id is not None else ""
        many = f" ({one.count:,} messages)" if one.count > 1 and one.queue else ""
        place = f" {one.queue}{message}{many}" if one.queue else ""
        text = f": {one.text}" if one.text else ""
        yield plain(f"{local_time(one.at)} {one.kind}{place}{text}", "dim")


def _produced(job: Detail) -> Iterator[Text]:
    for one in job.produced:
        title = f"  {one.title}" if one.title and one.title != one.id else ""
        gone = "" if one.is_there else "  (removed since)"
        yield plain(f"wrote {one.kind} {one.id}{title}{gone}")
    if job.produced_more:
        yield plain("It wrote more than these.", "dim")


def _errors(jobs: list[Job]) -> Iterator[Text]:
    for job in jobs:
        if job.last_error:
            yield plain(f"{job.id}: {job.last_error}", "red" if job.counts.dead else "yellow")
