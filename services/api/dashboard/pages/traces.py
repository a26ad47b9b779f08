"""Traces: where did the time go?"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from services.api.auth import Reader
from services.api.dashboard.registry import Page
from services.api.dashboard.rendering import render
from services.api.dashboard.routes import PageRoute
from services.api.paging import Cursor, read_cursor
from services.api.parts import ApiParts, WithParts
from services.api.traces import drawing, rows
from services.api.traces.filtering import WithFilter
from services.api.traces.routes import TraceId, next_cursor
from shared.domain.hiding import hide_secrets
from shared.errors import NotFoundError
from shared.postgres.api_keys import ApiKey
from shared.postgres.traces import (
    MOST_SPANS,
    Trace,
    find_trace,
    list_spans,
    list_traces,
)
from shared.traces.critical_path import add_up, mark_critical_path
from shared.traces.tree import Branch, Tree, build_tree

PAGE: Final = Page("traces", "Traces", "Where did the time go?", "t")
ROWS: Final = 50
SERVICES: Final = ("api", "ingest", "patterns", "summaries")
SpanId = Annotated[str | None, Query(pattern="^[0-9a-f]{16}$")]
Errors = Annotated[bool, Query()]

router: Final = APIRouter(route_class=PageRoute)


@router.get(PAGE.path)
async def get_traces(
    request: Request, caller: Reader, parts: WithParts, wanted: WithFilter, before: Cursor = None
) -> Response:
    """Show the newest traces."""
    async with parts.reading(caller) as conn:
        traces = await list_traces(conn, wanted, limit=ROWS, before=read_cursor(before, str))
    return render(
        request,
        "traces/index.html",
        traces=traces,
        longest=max((trace.duration_ms for trace in traces), default=0) or 1,
        wanted=wanted,
        services=[f"supastate-{name}" for name in SERVICES],
        following=next_cursor(traces, ROWS),
    )


@router.get(f"{PAGE.path}/{{trace_id}}")
async def get_trace(
    request: Request,
    trace_id: TraceId,
    caller: Reader,
    parts: WithParts,
    span: SpanId = None,
    errors: Errors = False,
) -> Response:
    """Show one trace, and what the chosen span says of itself."""
    trace, tree = await _read(parts, caller, trace_id, span)
    chosen = tree.by_id.get(span) if span else None
    spent = add_up(mark_critical_path(tree), tree.duration)
    cut = rows.Cut(errors, frozenset([span] if span else []))
    return render(
        request,
        "traces/trace.html",
        **_picture(trace, tree, errors=errors),
        entries=rows.draw(tree, cut),
        spent=spent,
        lanes=drawing.lanes(tree),
        ticks=drawing.ticks(tree),
        chosen=chosen,
        attributes=hide_secrets((chosen and chosen.span.attributes) or {}),
        is_cut=trace.spans > len(tree.by_id),
    )


@router.get(f"{PAGE.path}/{{trace_id}}/rows")
async def get_rows(
    request: Request,
    trace_id: TraceId,
    caller: Reader,
    parts: WithParts,
    of: SpanId = None,
    like: SpanId = None,
    skip: Annotated[int, Query(ge=0, le=MOST_SPANS)] = 0,
    count: Annotated[int, Query(ge=1, le=rows.MOST_ROWS)] = rows.FIRST_REVEAL,
    errors: Errors = False,
) -> Response:
    """Show what is below a span, or the next of those that are like one."""
    trace, tree = await _read(parts, caller, trace_id)
    mark_critical_path(tree)
    cut = rows.Cut(errors)
    if like is not None:
        entries = rows.reveal(tree, _get_branch(tree, like), cut, skip=skip, count=count)
    else:
        branch = _get_branch(tree, of) if of else None
        entries = rows.open_branch(tree, branch, cut, skip)
    picture = _picture(trace, tree, errors=errors)
    return render(request, "traces/_rows.html", **picture, entries=entries, chosen=None)


def _picture(trace: Trace, tree: Tree, *, errors: bool) -> dict[str, Any]:
    services = drawing.list_services(tree)
    return {
        "trace": trace,
        "tree": tree,
        "errors_only": errors,
        "place": drawing.place,
        "colours": {name: index % drawing.COLOURS + 1 for index, name in enumerate(services)},
    }


async def _read(
    parts: ApiParts, caller: ApiKey, trace_id: str, span_id: str | None = None
) -> tuple[Trace, Tree]:
    async with parts.reading(caller) as conn:
        trace = await find_trace(conn, trace_id)
        spans = await list_spans(conn, trace_id, whole=span_id) if trace else []
    if trace is None or not spans:
        raise NotFoundError("no such trace in this workspace; spans are kept for three days")
    return trace, build_tree(spans)


def _get_branch(tree: Tree, span_id: str) -> Branch:
    if span_id not in tree.by_id:
        raise NotFoundError("no such span in this trace")
    return tree.by_id[span_id]
