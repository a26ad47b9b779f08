"""The traces of a workspace: their list, and the spans of one; no other workspace's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row
from pydantic import JsonValue

MOST_SPANS: Final = 10_000
"""Of one trace, the first ones; a drawing of more helps nobody."""

# One ordered walk of an index for each spelling of the workspace, instead of a sort of all.
LIST_TRACES: Final[LiteralString] = """
SELECT newest.*
FROM unnest(own_workspaces()) AS own
CROSS JOIN LATERAL (
    SELECT trace_id, started_at, ended_at, name, spans, errors, services, job_id
    FROM traces
    WHERE workspace_id = own
      AND (%(before_at)s::timestamptz IS NULL
           OR (started_at, trace_id) < (%(before_at)s, %(before_id)s))
      AND (%(service)s::text IS NULL OR %(service)s = ANY (services))
      AND (NOT %(errors)s OR errors > 0)
      AND ended_at - started_at >= %(min_ms)s * interval '1 millisecond'
      AND (%(job_id)s::uuid IS NULL OR job_id = %(job_id)s)
      AND (%(message_id)s::text IS NULL OR trace_id IN (
            SELECT trace_id FROM spans
            WHERE workspace_id = own AND attributes->>'messaging.message.id' = %(message_id)s
              AND (%(queue)s::text IS NULL
                   OR attributes->>'messaging.destination.name' = %(queue)s)))
    ORDER BY started_at DESC, trace_id DESC
    LIMIT %(limit)s
) AS newest
ORDER BY started_at DESC, trace_id DESC
LIMIT %(limit)s
"""
FIND_TRACE: Final[LiteralString] = """
SELECT trace_id, started_at, ended_at, name, spans, errors, services, job_id
FROM traces
WHERE trace_id = %s AND workspace_id = ANY (own_workspaces())
"""
SELECT_SPANS: Final[LiteralString] = """
SELECT span_id, parent_span_id, service, name, kind, status, started_at, duration_ms,
       attributes->>'messaging.operation.name' AS operation,
       attributes->>'messaging.message.id' AS message_id,
       attributes->>'db.system.name' AS database,
       attributes->>'error.type' AS error,
       attributes->>'messaging.destination.name' AS queue,
"""
FIND_SPANS: Final[LiteralString] = (
    SELECT_SPANS
    + """
       attributes, links
FROM spans
WHERE trace_id = %s
ORDER BY started_at, span_id
LIMIT %s
"""
)
LIST_SPANS: Final[LiteralString] = (
    SELECT_SPANS
    + """
       CASE WHEN %(all_whole)s OR span_id = %(whole)s THEN attributes END AS attributes,
       CASE WHEN %(all_whole)s OR span_id = %(whole)s THEN links END AS links
FROM spans
WHERE trace_id = %(trace_id)s AND workspace_id = ANY (own_workspaces())
ORDER BY started_at, span_id
LIMIT %(limit)s
"""
)


@dataclass(frozen=True, slots=True)
class Trace:
    """What the caller's spans of one trace add up to; more may still come in."""

    trace_id: str
    started_at: datetime
    ended_at: datetime
    name: str
    """Of the span that began first."""
    spans: int
    errors: int
    services: list[str]
    job_id: UUID | None

    @property
    def duration_ms(self) -> float:
        return (self.ended_at - self.started_at).total_seconds() * 1000


@dataclass(frozen=True, slots=True)
class Span:
    """One finished step, without what it says of itself beyond these."""

    span_id: str
    parent_span_id: str | None
    service: str
    name: str
    kind: str
    status: str
    started_at: datetime
    duration_ms: float
    operation: str | None
    message_id: str | None
    database: str | None
    error: str | None
    queue: str | None = None
    attributes: dict[str, JsonValue] | None = None
    """All that it says of itself; None unless it was asked for."""
    links: list[dict[str, str]] | None = None
    """Spans of other traces that belong to it."""

    @property
    def is_wait(self) -> bool:
        """Whether nothing was done: a message stood in its queue."""
        return self.operation == "queue"

    @property
    def has_failed(self) -> bool:
        return self.status == "error"


@dataclass(frozen=True, slots=True)
class TraceFilter:
    """Which traces are wanted; None stands for any."""

    service: str | None = None
    errors: bool = False
    min_ms: float = 0.0
    job_id: UUID | None = None
    message_id: str | None = None
    queue: str | None = None
    """A message's id is unique in one queue only."""


async def list_traces(
    conn: AsyncConnection[TupleRow],
    wanted: TraceFilter,
    *,
    limit: int,
    before: tuple[datetime, str] | None = None,
) -> list[Trace]:
    """Return the newest traces of the workspaces that the transaction is for."""
    before_at, before_id = before or (None, None)
    parameters = {
        "service": wanted.service,
        "errors": wanted.errors,
        "min_ms": wanted.min_ms,
        "job_id": wanted.job_id,
        "message_id": wanted.message_id,
        "queue": wanted.queue,
        "before_at": before_at,
        "before_id": before_id,
        "limit": limit,
    }
    async with conn.cursor(row_factory=class_row(Trace)) as cursor:
        await cursor.execute(LIST_TRACES, parameters)
        return await cursor.fetchall()


async def find_trace(conn: AsyncConnection[TupleRow], trace_id: str) -> Trace | None:
    """Return one trace of the workspaces that the transaction is for."""
    async with conn.cursor(row_factory=class_row(Trace)) as cursor:
        await cursor.execute(FIND_TRACE, (trace_id,))
        return await cursor.fetchone()


async def find_spans(
    conn: AsyncConnection[TupleRow], trace_id: str, *, limit: int = MOST_SPANS
) -> list[Span]:
    """Return the spans of a trace whole, of whichever workspace, oldest first: for operators."""
    async with conn.cursor(row_factory=class_row(Span)) as cursor:
        await cursor.execute(FIND_SPANS, (trace_id, limit))
        return await cursor.fetchall()


async def list_spans(
    conn: AsyncConnection[TupleRow],
    trace_id: str,
    *,
    limit: int = MOST_SPANS,
    whole: str | None = None,
    all_whole: bool = False,
) -> list[Span]:
    """Return the spans of a trace that are of these workspaces, oldest first.

    `whole` is the id of the one span that comes with its attributes; `all_whole`, that all do.
    """
    wanted = {"trace_id": trace_id, "limit": limit, "whole": whole, "all_whole": all_whole}
    async with conn.cursor(row_factory=class_row(Span)) as cursor:
        await cursor.execute(LIST_SPANS, wanted)
        return await cursor.fetchall()
