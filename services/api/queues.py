"""Queues over HTTP: what they hold, how fast they move, and pausing them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from pydantic import StringConstraints

from services.api.auth import WITH_KEY, KeyedRoute, Operator
from services.api.bodies import Body
from services.api.describing_problems import problems
from services.api.examples import QUEUE, shown
from services.api.examples import working as working_examples
from services.api.parts import ApiParts, WithParts
from services.api.queue_answers import (
    Limits,
    Paused,
    QueueDetails,
    QueueStates,
    describe_histogram,
    describe_pause,
    describe_point,
    describe_problem,
    describe_queue,
    describe_release,
    describe_sample,
    describe_storage,
)
from shared.domain.accepting import accept_words
from shared.domain.queue_problems import Expectations, Problem, find_problems
from shared.errors import InvalidInputError, NotFoundError
from shared.messages import QUEUES, Moment
from shared.postgres.api_keys import ApiKey
from shared.postgres.audit import Action, record_action
from shared.postgres.queue_control import pause_queue, resume_queue
from shared.postgres.queue_figures import (
    LONGEST_RANGE,
    QueueFigures,
    Range,
    find_figures,
    find_series,
)
from shared.postgres.queues import count_queues
from shared.runtime import RETRY
from shared.settings import Settings

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["queues"])
MISSING: Final = problems(HTTPStatus.NOT_FOUND)
MINUTE: Final = timedelta(minutes=1)
LONGEST_REASON: Final = 500


class PauseReason(Body):
    """Why nobody is to read the queue; whoever looks at it is told."""

    model_config = shown(working_examples.PAUSE)

    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_REASON)
    ]


Name = Annotated[str, Path(examples=[QUEUE])]
Minutes = Annotated[
    int, Query(ge=1, le=20_160, description="of the series, back from `to`; `from` goes before it")
]
From = Annotated[Moment | None, Query(alias="from", description="where the series begins")]
To = Annotated[Moment | None, Query(alias="to", description="where it ends; else now")]


@router.get("/api/queues", responses=problems())
async def get_queues(caller: Operator, parts: WithParts) -> QueueStates:
    """Return what stands in each queue, of all workspaces together, and how fast it moves."""
    async with parts.transaction(caller) as conn:
        counts = await count_queues(conn)
        figures = await find_figures(conn)
    sampled = {one.queue: one for one in figures}
    problems = problems_of(figures, parts.shared.settings)
    return QueueStates(
        queues=[describe_queue(one, sampled.get(one.queue)) for one in counts],
        drained=all(one.is_drained for one in counts),
        problems=[describe_problem(problem) for problem in problems],
        release=describe_release(figures),
    )


@router.get("/api/queues/{name}", responses=MISSING)
async def get_queue(
    name: Name,
    caller: Operator,
    parts: WithParts,
    minutes: Minutes = 60,
    since: From = None,
    until: To = None,
) -> QueueDetails:
    """Return one queue over time, from samples alone."""
    check_queue(name)
    within = read_range(minutes, since, until)
    async with parts.reading(caller) as conn:
        return await read_details(conn, name, within, parts.shared.settings)


async def read_details(
    conn: AsyncConnection[TupleRow], name: str, within: Range, settings: Settings
) -> QueueDetails:
    """Return one queue over time.

    Raises:
        NotFoundError: there is no such queue, or no sample yet.
    """
    figures = choose_queue(await find_figures(conn, name), name)
    points = await find_series(conn, name, within)
    return QueueDetails(
        name=name,
        paused=describe_pause(figures),
        sample=describe_sample(figures),
        storage=describe_storage(figures),
        limits=describe_limits(settings),
        since=within.since,
        until=within.until,
        step_seconds=within.step.total_seconds(),
        points=[describe_point(point, within, figures.counted_until) for point in points],
        histogram=describe_histogram(points),
    )


@router.post("/api/queues/{name}/pause", responses=MISSING)
async def post_pause(name: Name, body: PauseReason, caller: Operator, parts: WithParts) -> Paused:
    """Let nobody read a queue; what is sent waits. Done again, the new reason replaces the old."""
    changed = await pause(parts, caller, name, body.reason)
    return Paused(name=name, paused=True, changed=changed)


@router.post("/api/queues/{name}/resume", responses=MISSING)
async def post_resume(name: Name, caller: Operator, parts: WithParts) -> Paused:
    """Let everybody read a queue again. Safe to repeat."""
    return Paused(name=name, paused=False, changed=await resume(parts, caller, name))


async def pause(parts: ApiParts, caller: ApiKey, name: str, reason: str) -> bool:
    """Pause a queue in the caller's name; return whether it was not paused before.

    Raises:
        InvalidInputError: the reason is none.
        NotFoundError: there is no such queue.
    """
    checked = accept_words(reason.strip(), "reason")
    if not 0 < len(checked) <= LONGEST_REASON:
        raise InvalidInputError("reason", f"must have 1 to {LONGEST_REASON} characters")
    check_queue(name)
    async with parts.transaction(caller) as conn:
        changed = await pause_queue(conn, name, reason=checked, paused_by=caller.name)
        await record_action(conn, caller, Action("queue.pause", name, reason=checked))
    return changed


async def resume(parts: ApiParts, caller: ApiKey, name: str) -> bool:
    """Let a queue go on in the caller's name; return whether it was paused.

    Raises:
        NotFoundError: there is no such queue.
    """
    check_queue(name)
    async with parts.transaction(caller) as conn:
        changed = await resume_queue(conn, name)
        await record_action(conn, caller, Action("queue.resume", name))
    return changed


def problems_of(figures: list[QueueFigures], settings: Settings) -> list[Problem]:
    """Return what is wrong with the queues."""
    now = max((one.read_at for one in figures), default=datetime.now(UTC))
    expected = Expectations(settings.oldest_target_seconds, settings.queue_sample_seconds)
    return find_problems([one.watched for one in figures], now, expected)


def check_queue(name: str) -> None:
    """Return when the queue exists.

    Raises:
        NotFoundError: it does not.
    """
    if name not in QUEUES:
        raise NotFoundError("no such queue")


def choose_queue(figures: list[QueueFigures], name: str) -> QueueFigures:
    """Return the last sample of a queue.

    Raises:
        NotFoundError: there is no such queue, or no sample yet.
    """
    check_queue(name)
    for one in figures:
        if one.queue == name:
            return one
    raise NotFoundError("no sample yet: ask again in some seconds")


def read_range(minutes: int, since: datetime | None, until: datetime | None) -> Range:
    """Return the whole minutes that a client asked for.

    Raises:
        InvalidInputError: they end before they begin, or are too many.
    """
    try:
        end = whole_minute((until or datetime.now(UTC)) + MINUTE - timedelta.resolution)
        begin = whole_minute(end - minutes * MINUTE if since is None else since)
        if timedelta(0) < end - begin <= LONGEST_RANGE:
            return Range(begin, end)
    except OverflowError:  # the first or last year that there is
        pass
    raise InvalidInputError("from", f"must be before `to`, by {LONGEST_RANGE.days} days at most")


def whole_minute(moment: datetime) -> datetime:
    """Return the beginning of a minute."""
    return moment.replace(second=0, microsecond=0)


def describe_limits(settings: Settings) -> Limits:
    """Return what this installation keeps to."""
    return Limits(
        lease_seconds=settings.visibility_timeout_seconds,
        batch_size=settings.batch_size,
        max_attempts=RETRY.max_attempts,
        oldest_target_seconds=settings.oldest_target_seconds,
        sample_seconds=settings.queue_sample_seconds,
    )
