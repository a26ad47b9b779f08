"""What happened to a job in the order of time, and what it wrote. Pure.

There is no store of log lines: this follows from the messages, the audit log and the traces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote

from pydantic import Field

from faststream_pgmq.letters import as_object, readable
from services.api.answers import Answer
from shared.domain.hiding import hide_in_text
from shared.postgres.job_history import MOST_PRODUCED, JobHistory
from shared.postgres.job_messages import JobMessage
from shared.postgres.jobs import Job

MOST_EVENTS: Final = 100
TEXT_CHARACTERS: Final = 300
SENT_WITH_JOB: Final = timedelta(seconds=1)
EventKind: TypeAlias = Literal[
    "asked", "sent", "taken", "failed", "retry", "dead", "cancel", "cancelled", "done"
]
ORDER: Final[tuple[EventKind, ...]] = (
    "asked",
    "sent",
    "taken",
    "failed",
    "retry",
    "dead",
    "cancel",
    "cancelled",
    "done",
)


class JobEvent(Answer):
    """Something that happened to a job, or the same thing to `count` messages in a row."""

    at: datetime
    until: datetime = Field(description="of the last of them")
    kind: EventKind = Field(
        description="`sent`: after the job was asked for, so it was sent later or again from the "
        "dead letters; `taken`: by the worker that had it last; `failed`: an attempt, as long as "
        "its span is kept; `retry`: when the next attempt is due"
    )
    count: int
    queue: str | None
    message_id: int | None = Field(description="None of several")
    text: str
    trace_id: str | None


class JobProduct(Answer):
    """What a job wrote."""

    kind: Literal["memory", "code", "pattern", "summary"]
    id: str = Field(description="of a summary its project")
    title: str | None
    is_there: bool = Field(description="false where it was removed since")
    path: str = Field(description="where the API shows it")


def describe_events(
    job: Job, messages: Sequence[JobMessage], history: JobHistory
) -> list[JobEvent]:
    """Return what is known to have happened, oldest first; of much the newest."""
    events = [_asked(job)]
    for message in messages:
        events += _of_message(job, message)
    events += map(_failed, history.failures)
    events += map(_cancel, history.cancels)
    events.sort(key=lambda event: (event.at, ORDER.index(event.kind), event.message_id or 0))
    return list(_grouped(events))[-MOST_EVENTS:]


def describe_products(history: JobHistory) -> tuple[list[JobProduct], bool]:
    """Return what a job wrote, and whether it wrote more of some kind."""
    kinds = [row["kind"] for row in history.produced]
    is_cut = any(kinds.count(kind) > MOST_PRODUCED for kind in set(kinds))
    shown = [
        row
        for n, row in enumerate(history.produced)
        if kinds[:n].count(row["kind"]) < MOST_PRODUCED
    ]
    return [_product(row) for row in shown], is_cut


def _product(row: dict[str, Any]) -> JobProduct:
    paths = {"memory": "memories", "code": "code", "pattern": "patterns", "summary": "projects"}
    return JobProduct(
        kind=row["kind"],
        id=row["id"],
        title=row["title"] and hide_in_text(row["title"], TEXT_CHARACTERS),
        is_there=row["is_there"],
        path=f"/api/{paths[row['kind']]}/{quote(row['id'], safe='')}",
    )


def _asked(job: Job) -> JobEvent:
    return _event(job.created_at, "asked", f"{job.submitted:,} messages", count=job.submitted)


def _of_message(job: Job, message: JobMessage) -> Iterator[JobEvent]:
    headers = as_object(readable(message.headers))
    error = headers.get("last_error")
    text = error if isinstance(error, str) else ""
    if message.place != "dead" and message.enqueued_at > job.created_at + SENT_WITH_JOB:
        yield _event(message.enqueued_at, "sent", "", message, headers)
    if message.last_read_at is not None and message.place != "dead":
        times = f"{message.read_ct} times" if message.read_ct > 1 else ""
        yield _event(message.last_read_at, "taken", times, message, headers)
    if message.state == "retrying":
        yield _event(message.due_at, "retry", text, message, headers)
    elif message.state in ("dead", "done", "cancelled") and message.ended_at is not None:
        said = text if message.state == "dead" else ""
        yield _event(message.ended_at, message.state, said, message, headers)


def _failed(row: dict[str, Any]) -> JobEvent:
    attempt = f"attempt {row['attempt']}: " if row["attempt"] else ""
    number = str(row["message_id"] or "")
    return JobEvent(
        at=(at := datetime.fromisoformat(row["at"])),
        until=at,
        kind="failed",
        count=1,
        queue=row["queue"],
        message_id=int(number) if number.isdecimal() else None,
        text=hide_in_text(f"{attempt}{row['error'] or 'an error'}", TEXT_CHARACTERS),
        trace_id=row["trace_id"],
    )


def _cancel(row: dict[str, Any]) -> JobEvent:
    reason = f": {row['reason']}" if row["reason"] else ""
    text = f"by {row['key_name']}{reason}"
    return _event(datetime.fromisoformat(row["at"]), "cancel", text, count=row["count"] or 0)


def _event(
    at: datetime,
    kind: EventKind,
    text: str,
    message: JobMessage | None = None,
    headers: dict[str, Any] | None = None,
    count: int = 1,
) -> JobEvent:
    return JobEvent(
        at=at.astimezone(UTC),
        until=at.astimezone(UTC),
        kind=kind,
        count=count,
        queue=message and message.queue,
        message_id=message and message.msg_id,
        text=hide_in_text(text, TEXT_CHARACTERS),
        trace_id=read_trace_id(headers or {}),
    )


def _grouped(events: Iterable[JobEvent]) -> Iterator[JobEvent]:
    last: JobEvent | None = None
    for event in events:
        if last is not None and event.message_id is not None and _is_alike(last, event):
            last = last.model_copy(
                update={
                    "until": event.at,
                    "count": last.count + 1,
                    "message_id": None,
                    "trace_id": last.trace_id if last.trace_id == event.trace_id else None,
                }
            )
            continue
        if last is not None:
            yield last
        last = event
    if last is not None:
        yield last


def _is_alike(last: JobEvent, event: JobEvent) -> bool:
    return (last.kind, last.queue, last.text) == (event.kind, event.queue, event.text)


def read_trace_id(headers: dict[str, Any]) -> str | None:
    """Return the trace that a message belongs to."""
    parts = str(headers.get("traceparent") or "").split("-")
    return parts[1] if len(parts) == 4 and len(parts[1]) == 32 else None
