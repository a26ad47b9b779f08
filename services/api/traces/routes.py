"""Traces over HTTP: how a request went on through the queues, step by step."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import Field, JsonValue

from services.api.answers import Answer
from services.api.auth import WITH_KEY, KeyedRoute, Reader
from services.api.describing_problems import problems
from services.api.examples import shown
from services.api.examples import working as working_examples
from services.api.paging import Cursor, Limit, read_cursor, write_cursor
from services.api.parts import WithParts
from services.api.traces.filtering import WithFilter
from shared.errors import NotFoundError
from shared.postgres.traces import Trace, find_trace, list_spans, list_traces

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["traces"])
TraceId: TypeAlias = Annotated[
    str, Path(pattern="^[0-9a-f]{32}$", examples=["0af7651916cd43dd8448eb211c80319c"])
]
WithAttributes: TypeAlias = Annotated[
    bool, Query(description="whether each step says all of itself, and its links")
]


class TraceState(Answer):
    """One trace, as far as its spans have come in."""

    trace_id: str
    name: str = Field(description="of the step that began first")
    started_at: datetime
    duration_ms: float
    spans: int
    errors: int
    services: list[str]
    job_id: UUID | None


class TracePage(Answer):
    """Traces, newest first; `next` is the `before` of the following page."""

    model_config = shown(working_examples.TRACES)

    traces: list[TraceState]
    next: str | None


class LinkState(Answer):
    """A step of another trace that belongs to it."""

    trace_id: str
    span_id: str


class SpanState(Answer):
    """One finished step."""

    span_id: str
    parent_span_id: str | None
    service: str
    name: str
    kind: str
    status: str
    started_at: datetime
    duration_ms: float
    operation: str | None = Field(description="of messaging: `queue` is a wait")
    queue: str | None
    message_id: str | None
    database: str | None
    error: str | None = Field(description="the class of the error; its text is not kept")
    attributes: dict[str, JsonValue] | None = Field(
        default=None, description="all that it says of itself, with `?attributes=true`"
    )
    links: list[LinkState] | None = Field(
        default=None, description="to other traces, with `?attributes=true`"
    )


class TraceFound(TraceState):
    """A trace with its steps, oldest first; the first 10,000 of them."""

    model_config = shown(working_examples.TRACE_FOUND)

    steps: list[SpanState]


@router.get("/api/traces", responses=problems())
async def get_traces(
    caller: Reader, parts: WithParts, wanted: WithFilter, limit: Limit = 20, before: Cursor = None
) -> TracePage:
    """Return a page of the workspace's traces, newest first. Spans are kept for three days."""
    place = read_cursor(before, str)
    async with parts.reading(caller) as conn:
        traces = await list_traces(conn, wanted, limit=limit, before=place)
    following = next_cursor(traces, limit)
    return TracePage(
        traces=[TraceState.model_validate(describe(one)) for one in traces], next=following
    )


@router.get("/api/traces/{trace_id}", responses=problems(HTTPStatus.NOT_FOUND))
async def get_trace(
    trace_id: TraceId, caller: Reader, parts: WithParts, attributes: WithAttributes = False
) -> TraceFound:
    """Return one trace with those of its steps that are of the key's workspace."""
    async with parts.reading(caller) as conn:
        trace = await find_trace(conn, trace_id)
        if trace is None:
            raise NotFoundError("no such trace in this workspace; spans are kept for three days")
        spans = await list_spans(conn, trace_id, all_whole=attributes)
    steps = [SpanState.model_validate(span, from_attributes=True) for span in spans]
    return TraceFound.model_validate({**describe(trace), "steps": steps})


def describe(trace: Trace) -> dict[str, object]:
    """Return a trace's fields as clients see them."""
    return {**asdict(trace), "duration_ms": trace.duration_ms}


def next_cursor(traces: list[Trace], limit: int) -> str | None:
    """Return the `before` of the following page, if there may be one."""
    return (
        write_cursor(traces[-1].started_at, traces[-1].trace_id) if len(traces) == limit else None
    )
