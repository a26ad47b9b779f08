"""Is each queue keeping up? The list, one queue over time, pause and resume."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from services.api.auth import Operator
from services.api.dashboard.queue_charts import Chart, draw_chart
from services.api.dashboard.queue_views import RANGES, describe_row, sampled_at, write_csv
from services.api.dashboard.registry import Page
from services.api.dashboard.rendering import render
from services.api.dashboard.routes import PageRoute
from services.api.dashboard.sharing import share
from services.api.parts import ApiParts, WithParts
from services.api.queue_answers import QueueDetails
from services.api.queues import (
    check_queue,
    choose_queue,
    describe_limits,
    pause,
    read_details,
    read_range,
    resume,
)
from shared.postgres.api_keys import ApiKey
from shared.postgres.live import Topic
from shared.postgres.queue_figures import QueueFigures, find_figures, find_series

PAGE = Page("queues", "Queues", "Is each keeping up?", "q", scope="operate")
router = APIRouter(route_class=PageRoute)
Minutes = Annotated[int, Query(ge=1, le=20_160)]
LIST: Final = PAGE.path
NEWS: Final[tuple[Topic, ...]] = ("queues",)
"""What the fragments are read anew for."""


@router.get(LIST)
async def get_queues(request: Request, caller: Operator, parts: WithParts) -> Response:
    """Show all queues."""
    return await show_queues(request, "queues/index.html", caller, parts)


@router.get(f"{LIST}/rows")
async def get_rows(request: Request, caller: Operator, parts: WithParts) -> Response:
    """Show the rows anew."""

    async def make() -> Response:
        return await show_queues(request, "queues/_rows.html", caller, parts)

    return await share(request, caller, NEWS, make)


@router.get(f"{LIST}/{{name}}")
async def get_queue(
    name: str, request: Request, caller: Operator, parts: WithParts, minutes: Minutes = 60
) -> Response:
    """Show one queue over time."""
    context = {"minutes": minutes, "ranges": RANGES}
    return await show_queue(request, "queues/queue.html", name, caller, parts, **context)


@router.get(f"{LIST}/{{name}}/now")
async def get_now(name: str, request: Request, caller: Operator, parts: WithParts) -> Response:
    """Show anew how one queue stands."""

    async def make() -> Response:
        return await show_queue(request, "queues/_now.html", name, caller, parts)

    return await share(request, caller, NEWS, make)


@router.get(f"{LIST}/{{name}}/charts/{{chart}}")
async def get_chart(
    name: str,
    chart: Chart,
    request: Request,
    caller: Operator,
    parts: WithParts,
    minutes: Minutes = 60,
) -> Response:
    """Return the figures of one chart."""

    async def make() -> Response:
        within = read_range(minutes, None, None)
        async with parts.reading(caller) as conn:
            figures = choose_queue(await find_figures(conn), name)
            points = await find_series(conn, name, within)
        return JSONResponse(draw_chart(chart, points, within, figures.counted_until))

    return await share(request, caller, NEWS, make)


@router.get(f"{LIST}/{{name}}/series.json")
async def get_json(
    name: str, caller: Operator, parts: WithParts, minutes: Minutes = 60
) -> Response:
    """Return the figures as the API does, as a file."""
    details = await _read_details(parts, caller, name, minutes)
    return _file(f"{name}.json", "application/json", details.model_dump_json(by_alias=True))


@router.get(f"{LIST}/{{name}}/series.csv")
async def get_csv(name: str, caller: Operator, parts: WithParts, minutes: Minutes = 60) -> Response:
    """Return the points of the series as a table."""
    details = await _read_details(parts, caller, name, minutes)
    return _file(f"{name}.csv", "text/csv", write_csv(details.points))


@router.post(f"{LIST}/{{name}}/pause")
async def post_pause(
    name: str, caller: Operator, parts: WithParts, reason: Annotated[str, Form()] = ""
) -> Response:
    """Pause a queue, and show it."""
    await pause(parts, caller, name, reason)
    return RedirectResponse(f"{LIST}/{name}", HTTPStatus.SEE_OTHER)


@router.post(f"{LIST}/{{name}}/resume")
async def post_resume(name: str, caller: Operator, parts: WithParts) -> Response:
    """Let a queue go on, and show it."""
    await resume(parts, caller, name)
    return RedirectResponse(f"{LIST}/{name}", HTTPStatus.SEE_OTHER)


async def show_queues(request: Request, template: str, caller: ApiKey, parts: ApiParts) -> Response:
    """Answer with the list, as of its oldest sample."""
    figures = await _read_figures(caller, parts)
    rows = [describe_row(one) for one in figures]
    return render(request, template, rows=rows, as_of=sampled_at(figures))


async def show_queue(
    request: Request, template: str, name: str, caller: ApiKey, parts: ApiParts, **context: Any
) -> Response:
    """Answer with one queue."""
    figures = choose_queue(await _read_figures(caller, parts), name)
    limits = describe_limits(parts.shared.settings)
    row = describe_row(figures)
    context |= {"row": row, "limits": limits, "as_of": figures.sampled_at}
    return render(request, template, HTTPStatus.OK, **context)


async def _read_figures(caller: ApiKey, parts: ApiParts) -> list[QueueFigures]:
    async with parts.reading(caller) as conn:
        return await find_figures(conn)


async def _read_details(parts: ApiParts, caller: ApiKey, name: str, minutes: int) -> QueueDetails:
    check_queue(name)
    within = read_range(minutes, None, None)
    async with parts.reading(caller) as conn:
        return await read_details(conn, name, within, parts.shared.settings)


def _file(name: str, media_type: str, text: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=media_type, headers=headers)
