"""Is anything wrong now? Problems first, then the stages, the last hour and who did what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from services.api.auth import Operator
from services.api.dashboard.graph_watch import graph_answers
from services.api.dashboard.queue_charts import chart_throughput
from services.api.dashboard.queue_views import describe_row, sampled_at
from services.api.dashboard.registry import ROOT, Page
from services.api.dashboard.rendering import render
from services.api.dashboard.routes import PageRoute
from services.api.dashboard.sharing import share
from services.api.parts import ApiParts, WithParts
from services.api.queue_answers import describe_release
from services.api.queues import problems_of
from shared.domain.queue_problems import Problem
from shared.postgres.api_keys import ApiKey
from shared.postgres.audit import list_entries
from shared.postgres.dead_letters import LetterGroup, list_groups
from shared.postgres.live import Topic
from shared.postgres.queue_figures import find_figures

PAGE = Page("overview", "Overview", "Is anything wrong now?", "o", scope="operate")
router = APIRouter(route_class=PageRoute)
ACTIONS_SHOWN: Final = 8
GROUPS_LOOKED_AT: Final = 5
NEW_FOR: Final = timedelta(days=1)
NEWS: Final[tuple[Topic, ...]] = ("queues", "operations", "dead_letters")
"""What the fragment is read anew for."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A line of the strip, and where to look."""

    text: str
    href: str
    link: str
    is_urgent: bool = True


@router.get(PAGE.path)
async def get_overview(request: Request, caller: Operator, parts: WithParts) -> Response:
    """Show the page."""
    return await show(request, "overview/index.html", caller, parts)


@router.get(f"{PAGE.path}/now")
async def get_now(request: Request, caller: Operator, parts: WithParts) -> Response:
    """Show anew what may have changed."""

    async def make() -> Response:
        return await show(request, "overview/_now.html", caller, parts)

    return await share(request, caller, NEWS, make)


@router.get(f"{PAGE.path}/throughput")
async def get_throughput(request: Request, caller: Operator, parts: WithParts) -> Response:
    """Return what each stage finished in the last hour."""

    async def make() -> Response:
        async with parts.reading(caller) as conn:
            return JSONResponse(chart_throughput(await find_figures(conn)))

    return await share(request, caller, ["queues"], make)


async def show(request: Request, template: str, caller: ApiKey, parts: ApiParts) -> Response:
    """Answer with what is known now, as of the oldest sample."""
    async with parts.reading(caller) as conn:
        figures = await find_figures(conn)
        actions = await list_entries(conn, caller.workspace_id, limit=ACTIONS_SHOWN)
        groups = await list_groups(conn, caller.workspace_id, limit=GROUPS_LOOKED_AT)
    problems = problems_of(figures, parts.shared.settings)
    return render(
        request,
        template,
        rows=[describe_row(one) for one in figures],
        actions=actions,
        troubles=[
            *await _of_process(parts),
            *[_trouble(problem) for problem in problems],
            *_of_groups(groups, datetime.now(UTC)),
        ],
        as_of=sampled_at(figures),
        release=describe_release(figures),
    )


async def _of_process(parts: ApiParts) -> list[Trouble]:
    """Return what this process of the API cannot reach."""
    troubles: list[Trouble] = []
    if not await graph_answers(parts.shared.driver):
        text = "Neo4j does not answer: workers wait for it, search and patterns fail."
        troubles.append(Trouble(text, f"{ROOT}/queues", "See what waits"))
    if not parts.live.is_connected:
        text = "LISTEN is down: this page does not hear of changes. It tries again by itself."
        troubles.append(Trouble(text, PAGE.path, "Load it again"))
    return troubles


def _of_groups(groups: list[LetterGroup], now: datetime) -> Iterator[Trouble]:
    """Return what failed for the first time lately, in the caller's workspace."""
    for group in groups:
        if now - group.first_at < NEW_FOR:
            times = "once" if group.count == 1 else f"{group.count:,} times"
            cause = f"{group.error or 'an unknown error'}: {group.title}".rstrip(": ")
            text = f"New in the last day: {group.queue} failed {times} of {cause}"
            href = f"{ROOT}/dead-letters/letters?group={group.fingerprint}"
            yield Trouble(text, href, "See these dead letters", is_urgent=False)


def _trouble(problem: Problem) -> Trouble:
    if problem.kind == "dead_letters":
        href, link = f"{ROOT}/dead-letters?queue={problem.queue}", "See what failed"
    elif problem.queue:
        href, link = f"{ROOT}/queues/{problem.queue}", "See the queue"
    else:
        href, link = f"{ROOT}/queues", "See the queues"
    return Trouble(problem.text, href, link, problem.is_urgent)
