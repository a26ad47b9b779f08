"""What clients are told of queues, as OpenAPI shows it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import Field

from services.api.answers import Answer
from services.api.examples import shown
from services.api.examples import working as working_examples
from shared.domain.histograms import BOUNDS, add_up, quantile
from shared.domain.queue_flow import State, drain_seconds, state_of
from shared.domain.queue_problems import Kind, Problem
from shared.postgres.queue_figures import QueueFigures, QueuePoint, Range
from shared.postgres.queues import QueueCounts


class Times(Answer):
    """Seconds, within 19 %; null where nothing was finished."""

    p50: float | None
    p95: float | None


class Pause(Answer):
    """Nobody reads the queue; what is sent waits."""

    at: datetime
    by: str
    reason: str


class QueueSample(Answer):
    """A queue as it was last seen. A count of 10,001 means more than 10,000."""

    sampled_at: datetime
    state: State = Field(
        description="`stalled`: something waits and nothing is finished; `unattended`: no consumer"
    )
    waiting: int
    delayed: int
    running: int
    retrying: int
    dead: int
    oldest_seconds: float = Field(description="how long the oldest of what is due has waited")
    last_done_at: datetime | None
    consumers: int = Field(description="subscribers that are connected")
    idle_consumers: int = Field(description="those that sleep until a message comes")
    silent: int = Field(
        description="messages in hand whose worker missed two heartbeats: it hangs or is gone"
    )
    rings: bool = Field(description="whether senders wake consumers; else these only poll")
    counted_until: datetime = Field(description="rates and times reach up to here")
    window_seconds: float
    arrived_per_second: float
    done_per_second: float
    failed: int = Field(description="became dead letters in this window")
    wait_seconds: Times = Field(description="from sending to the first read; retries are left out")
    run_seconds: Times = Field(description="from the last read to the end")
    drain_seconds: float | None = Field(description="null where the queue does not get shorter")


class QueueState(Answer):
    """One queue, of all workspaces: counted now, and as it was last sampled.

    A count of 10,001 means more than 10,000.
    """

    name: str
    waiting: int
    delayed: int
    running: int
    retrying: int
    dead: int
    drained: bool
    paused: Pause | None
    sample: QueueSample | None = Field(description="null until the first sample")


class ProblemFound(Answer):
    """One thing that somebody should look at."""

    kind: Kind
    queue: str | None
    text: str
    urgent: bool


class Release(Answer):
    """What of the API is deployed."""

    name: str
    since: datetime = Field(description="when it took its first sample of the queues")


class QueueStates(Answer):
    """All queues; drained when nothing is due, running or to be retried."""

    model_config = shown(working_examples.QUEUES)

    queues: list[QueueState]
    drained: bool
    problems: list[ProblemFound] = Field(description="as the page Overview shows them")
    release: Release | None = Field(description="null where no setting names it")


class Obstacle(Answer):
    """The oldest transaction: rows that died since cannot be removed while it lasts."""

    holder: str
    seconds: float | None
    transactions: int | None


class Storage(Answer):
    """What a queue takes on disk."""

    dead_tuples: int | None
    last_vacuum: datetime | None
    table_bytes: int | None
    index_bytes: int | None
    archive_bytes: int | None
    obstacle: Obstacle | None


class Limits(Answer):
    """What the services of this installation keep to."""

    lease_seconds: float = Field(description="a dead worker's messages wait this long")
    batch_size: int
    max_attempts: int
    oldest_target_seconds: float = Field(description="waiting longer is a problem")
    sample_seconds: float


class Point(Answer):
    """One step of a series: the highest of what was seen, and the sum of what was done."""

    at: datetime
    complete: bool = Field(description="false while figures of this step may still come")
    waiting: int | None
    running: int | None
    dead: int | None
    oldest_seconds: float | None
    consumers: int | None
    arrived: int
    done: int
    failed: int
    wait_seconds: Times
    run_seconds: Times


class Histogram(Answer):
    """How many took how long: bucket n ends at `boundsSeconds[n]`; the last has no end."""

    bounds_seconds: list[float]
    wait: list[int]
    run: list[int]


class QueueDetails(Answer):
    """One queue over time; steps that nobody sampled are left out."""

    model_config = shown(working_examples.QUEUE_DETAILS)

    name: str
    paused: Pause | None
    sample: QueueSample
    storage: Storage
    limits: Limits
    since: datetime
    until: datetime
    step_seconds: float
    points: list[Point]
    histogram: Histogram


class Paused(Answer):
    """Whether the queue is paused now, and whether this request changed it."""

    model_config = shown(working_examples.PAUSED)

    name: str
    paused: bool
    changed: bool


def describe_queue(counts: QueueCounts, figures: QueueFigures | None) -> QueueState:
    """Return a queue of the list."""
    return QueueState(
        name=counts.queue,
        waiting=counts.waiting,
        delayed=counts.delayed,
        running=counts.running,
        retrying=counts.retrying,
        dead=counts.dead,
        drained=counts.is_drained,
        paused=None if figures is None else describe_pause(figures),
        sample=None if figures is None else describe_sample(figures),
    )


def describe_problem(problem: Problem) -> ProblemFound:
    """Return a problem as clients see it."""
    return ProblemFound(
        kind=problem.kind, queue=problem.queue, text=problem.text, urgent=problem.is_urgent
    )


def describe_release(figures: Sequence[QueueFigures]) -> Release | None:
    """Return the release that samples, and since when."""
    for one in figures:
        if one.release and one.release_since:
            return Release(name=one.release, since=one.release_since)
    return None


def describe_pause(figures: QueueFigures) -> Pause | None:
    """Return who paused the queue, and why."""
    if figures.paused_at is None:
        return None
    return Pause(
        at=figures.paused_at, by=figures.paused_by or "", reason=figures.pause_reason or ""
    )


def describe_sample(figures: QueueFigures) -> QueueSample:
    """Return the last sample, with the rates and times of its window."""
    flow, standing = figures.flow, figures.standing
    return QueueSample(
        sampled_at=figures.sampled_at,
        state=state_of(standing),
        waiting=figures.waiting,
        delayed=figures.delayed,
        running=figures.running,
        retrying=figures.retrying,
        dead=figures.dead,
        oldest_seconds=standing.oldest_seconds,
        last_done_at=figures.last_done_at,
        consumers=figures.consumers,
        idle_consumers=figures.idle,
        silent=figures.silent,
        rings=figures.doorbell,
        counted_until=figures.counted_until,
        window_seconds=flow.seconds,
        arrived_per_second=flow.arrived_per_second,
        done_per_second=flow.done_per_second,
        failed=figures.failed,
        wait_seconds=describe_times(figures.wait),
        run_seconds=describe_times(figures.run),
        drain_seconds=drain_seconds(standing, flow),
    )


def describe_times(histogram: list[int] | None) -> Times:
    """Return the median, and what all but one in twenty stay under."""
    return Times(p50=quantile(histogram, 0.5), p95=quantile(histogram, 0.95))


def describe_storage(figures: QueueFigures) -> Storage:
    """Return what a queue takes on disk, and what keeps it from taking less."""
    holder = figures.snapshot_holder
    return Storage(
        dead_tuples=figures.dead_tuples,
        last_vacuum=figures.last_vacuum,
        table_bytes=figures.table_bytes,
        index_bytes=figures.index_bytes,
        archive_bytes=figures.archive_bytes,
        obstacle=None
        if holder is None
        else Obstacle(
            holder=holder,
            seconds=figures.snapshot_seconds,
            transactions=figures.snapshot_transactions,
        ),
    )


def describe_point(point: QueuePoint, within: Range, counted_until: datetime) -> Point:
    """Return one step of a series."""
    return Point(
        at=point.at,
        complete=point.at + within.step <= counted_until,
        waiting=point.waiting,
        running=point.running,
        dead=point.dead,
        oldest_seconds=point.oldest_seconds,
        consumers=point.consumers,
        arrived=point.arrived,
        done=point.done,
        failed=point.failed,
        wait_seconds=describe_times(point.wait),
        run_seconds=describe_times(point.run),
    )


def describe_histogram(points: list[QueuePoint]) -> Histogram:
    """Return the times of all points together."""
    return Histogram(
        bounds_seconds=list(BOUNDS),
        wait=add_up([point.wait for point in points]),
        run=add_up([point.run for point in points]),
    )
