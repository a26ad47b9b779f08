"""What clients are told of jobs, and how it follows from their messages. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

from pydantic import Field, JsonValue

from faststream_pgmq.letters import as_object, readable
from services.api.answers import Answer
from services.api.examples import shown
from services.api.examples import working as working_examples
from services.api.job_history import (
    JobEvent,
    JobProduct,
    describe_events,
    describe_products,
    read_trace_id,
)
from shared.domain.hiding import hide_in_text, hide_secrets
from shared.postgres.job_history import JobHistory
from shared.postgres.job_messages import JobMessage, MessageState, Place
from shared.postgres.job_search import JobStateName
from shared.postgres.jobs import Job, Progress

EXCERPT_CHARACTERS: Final = 2_000
ERROR_CHARACTERS: Final = 2_000
TRACEBACK_CHARACTERS: Final = 8_000
MOST_ERRORS: Final = 20
STEP_CHARACTERS: Final = 200
ENDED: Final = frozenset({"done", "cancelled", "dead"})


class JobCounts(Answer):
    """Where a job's messages are; `gone` ones are no more: somebody deleted them."""

    waiting: int
    running: int
    retrying: int
    done: int
    cancelled: int
    dead: int
    gone: int


class JobStep(Answer):
    """What a worker does with what it has in hand, by its own word; of a batch as a whole."""

    queue: str
    name: str
    done: int
    total: int = Field(description="0 where the worker does not know")
    percent: float | None
    told_at: datetime = Field(description="a worker says so when it changes, once a second at most")


class JobState(Answer):
    """How far a job is, derived from where its messages are."""

    id: UUID
    kind: str
    state: JobStateName = Field(
        description="`running`: some message is in hand, or some are done and some wait; "
        "`retrying`: all that is left waits for another attempt; `dead`: it ended and left dead "
        "letters; `cancelled`: it ended, and some of it was cancelled"
    )
    percent: float = Field(description="of its messages that need no more work, whatever came out")
    submitted: int
    counts: JobCounts
    last_error: str | None
    last_heartbeat: datetime | None = Field(
        description="when a worker last said that it has some of it in hand"
    )
    step: JobStep | None = Field(
        description="what a worker was last heard to do; None for what takes no two seconds"
    )
    created_at: datetime
    user_id: UUID


class JobsSearched(Answer):
    """How far a page looked: there may be more in what is older."""

    jobs: int = Field(description="how many jobs were looked at, newest first")
    back_to: datetime | None
    is_complete: bool = Field(description="no older job is left to look at")


class JobPage(Answer):
    """Jobs, newest first; `next` is the `before` of the following page.

    A page with a filter may hold fewer jobs than asked for, even none, and yet have a `next`.
    """

    model_config = shown(working_examples.JOBS)

    jobs: list[JobState]
    next: str | None
    searched: JobsSearched


class JobError(Answer):
    """Why an attempt at a message failed."""

    at: datetime | None
    queue: str
    message_id: int
    attempts: int
    error: str
    traceback: str | None


class JobMessageState(Answer):
    """One message; what it carries is shown without secrets, and cut."""

    queue: str
    place: Place
    id: int
    state: MessageState
    attempts: int = Field(description="how often its handler failed")
    deliveries: int
    enqueued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    due_at: datetime
    last_heartbeat: datetime | None
    step: JobStep | None
    trace_id: str | None
    excerpt: str | None = Field(description="None where the messages before it were too large")
    is_cut: bool
    stored_bytes: int
    whole: str = Field(description="path of the whole message")


class JobDetail(JobState):
    """A job with its messages: what failed first, then what is not done."""

    model_config = shown(working_examples.JOB_DETAIL)

    errors: list[JobError] = Field(description="the newest first")
    messages: list[JobMessageState]
    messages_not_shown: int
    events: list[JobEvent] = Field(
        description="what happened to the job and to the messages shown, oldest first"
    )
    produced: list[JobProduct] = Field(description="of each kind some")
    produced_more: bool


class JobCancelled(Answer):
    """What became of a job's messages."""

    model_config = shown(working_examples.CANCELLED)

    id: UUID
    cancelled: int
    running: int = Field(description="still in hand: these are finished, and not tried again")


def describe_job(job: Job, progress: Progress, lease: timedelta = timedelta(minutes=1)) -> JobState:
    """Return a job as clients see it; `lease` is how long a heartbeat holds."""
    ended = progress.done + progress.cancelled + progress.dead
    finished = max(0, job.submitted - progress.unfinished)
    return JobState(
        id=job.id,
        kind=job.kind,
        state=job_state(job, progress),
        percent=round(100 * finished / job.submitted, 1) if job.submitted else 100.0,
        submitted=job.submitted,
        counts=JobCounts(
            waiting=progress.waiting,
            running=progress.running,
            retrying=progress.retrying,
            done=progress.done,
            cancelled=progress.cancelled,
            dead=progress.dead,
            gone=max(0, job.submitted - progress.unfinished - ended),
        ),
        last_error=progress.last_error and hide_in_text(progress.last_error, ERROR_CHARACTERS),
        last_heartbeat=progress.held_until and progress.held_until - lease,
        step=describe_step(progress.step),
        created_at=job.created_at,
        user_id=job.user_id,
    )


def describe_step(told: dict[str, Any] | None) -> JobStep | None:
    """Return what a handler said of itself, as clients see it."""
    if told is None:
        return None
    done, total = int(told["done"]), int(told["total"])
    return JobStep(
        queue=told["queue"],
        name=hide_in_text(told["step"], STEP_CHARACTERS),
        done=done,
        total=total,
        percent=round(100 * min(done, total) / total, 1) if total else None,
        told_at=told["told_at"],
    )


def job_state(job: Job, progress: Progress) -> JobStateName:
    """Return one word for a job: dead when it ended and left dead letters."""
    has_begun = progress.done or progress.waiting < job.submitted
    if progress.running or (progress.waiting and has_begun):
        return "running"
    if progress.waiting:
        return "waiting"
    if progress.retrying:
        return "retrying"
    if progress.dead:
        return "dead"
    return "cancelled" if progress.cancelled else "done"


def describe_detail(
    job: Job,
    progress: Progress,
    messages: Sequence[JobMessage],
    history: JobHistory,
    lease: timedelta,
) -> JobDetail:
    """Return a job with its messages; reads up to some megabytes: not for the event loop."""
    state = describe_job(job, progress, lease)
    shown = [describe_message(job.id, message, lease) for message in messages]
    errors = [error for message in messages if (error := describe_error(message)) is not None]
    errors.sort(key=lambda error: error.at.timestamp() if error.at else 0.0, reverse=True)
    known = progress.unfinished + progress.done + progress.cancelled + progress.dead
    produced, has_more = describe_products(history)
    return JobDetail(
        **dict(state),
        errors=errors[:MOST_ERRORS],
        messages=shown,
        messages_not_shown=max(0, known - len(messages)),
        events=describe_events(job, messages, history),
        produced=produced,
        produced_more=has_more,
    )


def describe_message(job_id: UUID, message: JobMessage, lease: timedelta) -> JobMessageState:
    """Return one message as clients see it."""
    headers = read_headers(message)
    excerpt, is_cut = write_excerpt(message)
    is_running = message.state == "running"
    return JobMessageState(
        queue=message.queue,
        place=message.place,
        id=message.msg_id,
        state=message.state,
        attempts=_count(headers.get("attempts")),
        deliveries=message.read_ct,
        enqueued_at=message.enqueued_at,
        started_at=message.last_read_at,
        ended_at=message.ended_at,
        due_at=message.due_at,
        last_heartbeat=message.due_at - lease if is_running else None,
        step=describe_step(message.step),
        trace_id=read_trace_id(headers),
        excerpt=excerpt,
        is_cut=is_cut,
        stored_bytes=message.stored_bytes,
        whole=f"/api/jobs/{job_id}/messages/{message.queue}/{message.place}/{message.msg_id}",
    )


def write_excerpt(message: JobMessage) -> tuple[str | None, bool]:
    """Return the start of a message without its secrets, and whether there is more."""
    if message.message is None:
        return None, True
    shown = json.dumps(
        hide_secrets(cast(JsonValue, readable(message.message)), EXCERPT_CHARACTERS),
        ensure_ascii=False,
    )
    is_cut = len(message.message) > EXCERPT_CHARACTERS
    return shown[:EXCERPT_CHARACTERS], is_cut or len(shown) > EXCERPT_CHARACTERS


def describe_error(message: JobMessage) -> JobError | None:
    """Return why the newest attempt at a message failed; None where none did."""
    headers = read_headers(message)
    report = as_object(headers.get("dead_letter"))
    error = headers.get("last_error") or report.get("error")
    if not isinstance(error, str):
        return None
    traceback = report.get("traceback")
    return JobError(
        at=message.ended_at if message.place == "dead" else message.last_read_at,
        queue=message.queue,
        message_id=message.msg_id,
        attempts=_count(headers.get("attempts")),
        error=hide_in_text(error, ERROR_CHARACTERS),
        traceback=hide_in_text(traceback, TRACEBACK_CHARACTERS)
        if isinstance(traceback, str)
        else None,
    )


def write_whole(message: JobMessage) -> bytes:
    """Return a whole message with its headers as JSON, without secrets."""
    whole = {
        "queue": message.queue,
        "place": message.place,
        "id": message.msg_id,
        "state": message.state,
        "message": hide_secrets(cast(JsonValue, readable(message.message))),
        "headers": hide_secrets(cast(JsonValue, readable(message.headers))),
    }
    return json.dumps(whole, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace")


def read_headers(message: JobMessage) -> dict[str, Any]:
    """Return a message's headers; anybody may have written them."""
    return as_object(readable(message.headers))


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
