"""Charts of queues: what is still counted is dashed, what was not seen is a gap. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final, Literal, TypeAlias

from services.api.dashboard.queue_views import STAGES
from shared.domain.histograms import quantile
from shared.postgres.queue_figures import QueueFigures, QueuePoint, Range

Chart: TypeAlias = Literal["backlog", "throughput", "times"]
Values: TypeAlias = list[float | None]
Line: TypeAlias = dict[str, Any]
Reading: TypeAlias = Callable[[QueuePoint], float | None]

MINUTE: Final = timedelta(minutes=1)
LEAST_COUNTED: Final = timedelta(seconds=10)
"""Of a minute, before it has a rate."""


@dataclass(frozen=True, slots=True)
class Steps:
    """A series with a place for each step of its range, also where nobody looked."""

    moments: list[datetime]
    points: list[QueuePoint | None]
    step: timedelta
    counted_until: datetime

    def line(self, name: str, tone: str, reading: Reading) -> Line:
        """Return what is read of each step."""
        values = [None if point is None else reading(point) for point in self.points]
        return {"name": name, "tone": tone, "values": values}

    def rate(self, count: Callable[[QueuePoint], int]) -> Reading:
        """Return how to read a count a minute, also of a step that is not over."""

        def reading(point: QueuePoint) -> float | None:
            counted = min(self.step, self.counted_until - point.at)
            return count(point) / (counted / MINUTE) if counted >= LEAST_COUNTED else None

        return reading

    def split(self, *lines: Line) -> list[Line]:
        """Return each line up to what is still counted, and the rest of it, dashed."""
        is_open = [moment + self.step > self.counted_until for moment in self.moments]
        return [part for line in lines for part in _split(line, is_open)]


def chart_throughput(figures: Sequence[QueueFigures]) -> dict[str, Any]:
    """Return what each queue finished a minute in the last hour."""
    minutes = (figures[0].minutes or []) if figures else []
    return {
        "times": [minute.timestamp() for minute in minutes],
        "unit": "/min",
        "log": False,
        "series": [
            {"name": STAGES.get(one.queue, one.queue), "values": one.done_lately or []}
            for one in figures
        ],
    }


def draw_chart(
    chart: Chart, points: Sequence[QueuePoint], within: Range, counted_until: datetime
) -> dict[str, Any]:
    """Return one chart of a queue."""
    moments = _moments(within)
    at = {point.at: point for point in points}
    steps = Steps(moments, [at.get(moment) for moment in moments], within.step, counted_until)
    unit, draw = _CHARTS[chart]
    lines = draw(steps)
    is_empty = all(value is None for line in lines for value in line["values"])
    times = [] if is_empty else [moment.timestamp() for moment in moments]
    return {"times": times, "unit": unit, "log": chart == "times", "series": lines}


def _draw_backlog(steps: Steps) -> list[Line]:
    return [
        steps.line("ready", "1", lambda point: point.waiting),
        steps.line("running", "2", lambda point: point.running),
    ]


def _draw_throughput(steps: Steps) -> list[Line]:
    arrived = steps.line("in", "1", steps.rate(lambda point: point.arrived))
    done = steps.line("out", "2", steps.rate(lambda point: point.done))
    failed = steps.line("failed", "bad", steps.rate(lambda point: point.failed))
    return [*steps.split(arrived, done), failed]


def _draw_times(steps: Steps) -> list[Line]:
    wait = steps.line("wait p95", "1", lambda point: quantile(point.wait, 0.95))
    run = steps.line("run p95", "2", lambda point: quantile(point.run, 0.95))
    # Nothing finished has no time: a queue that stands still is seen by this line alone.
    oldest = steps.line("oldest ready", "3", lambda point: point.oldest_seconds)
    return [*steps.split(wait, run), oldest]


_CHARTS: Final[dict[Chart, tuple[str, Callable[[Steps], list[Line]]]]] = {
    "backlog": ("", _draw_backlog),
    "throughput": ("/min", _draw_throughput),
    "times": (" s", _draw_times),
}


def _split(line: Line, is_open: Sequence[bool]) -> list[Line]:
    """Return the line up to what is still counted, and the rest of it, dashed, joined to it."""
    values: Values = line["values"]
    closed = [None if is_open[n] else value for n, value in enumerate(values)]
    joins = [before != after for before, after in pairwise(is_open)] + [False]
    rest = [
        value if is_open[n] or (joins[n] and is_open[n + 1]) else None
        for n, value in enumerate(values)
    ]
    whole = [{**line, "values": closed}]
    if any(value is not None for value in rest):
        whole.append({**line, "name": f"{line['name']} so far", "values": rest, "dashed": True})
    return whole


def _moments(within: Range) -> list[datetime]:
    count = -(-(within.until - within.since) // within.step)
    return [within.since + n * within.step for n in range(count)]
