"""What the pages show of queues: charts over time, tones, the stages of the pipeline. Pure."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import pairwise
from typing import Any, Final, Literal, TypeAlias

from services.api.queue_answers import Point
from shared.domain.histograms import quantile
from shared.domain.queue_flow import drain_seconds, state_of
from shared.messages import MEMORY_INGESTION, PATTERN_DETECTION, SUMMARY_GENERATION
from shared.postgres.queue_figures import QueueFigures, QueuePoint, Range

Chart: TypeAlias = Literal["backlog", "throughput", "times"]
Values: TypeAlias = list[float | None]

STAGES: Final = {
    MEMORY_INGESTION: "Ingestion",
    PATTERN_DETECTION: "Patterns",
    SUMMARY_GENERATION: "Summaries",
}
TONES: Final = {
    "idle": "off",
    "working": "busy",
    "stalled": "bad",
    "unattended": "bad",
    "paused": "warn",
}
WORDS: Final = {"unattended": "no consumers"}
RANGES: Final = ((60, "1 h"), (360, "6 h"), (1440, "24 h"), (10_080, "7 d"))
MINUTE: Final = timedelta(minutes=1)
LEAST_COUNTED: Final = timedelta(seconds=10)
"""Of a minute, before it has a rate."""
PLAIN_COLUMNS: Final = (
    "at", "complete", "waiting", "running", "dead", "oldest_seconds", "consumers",
    "arrived", "done", "failed",
)  # fmt: skip


def describe_row(figures: QueueFigures) -> dict[str, Any]:
    """Return what a row, or the head of a queue's page, shows."""
    flow, standing = figures.flow, figures.standing
    state = state_of(standing)
    return {
        "queue": figures.queue,
        "stage": STAGES.get(figures.queue, figures.queue),
        "figures": figures,
        "state": WORDS.get(state, state),
        "tone": TONES[state],
        "is_paused": figures.paused_at is not None,
        "oldest": 1000 * standing.oldest_seconds,
        "arrived": flow.arrived_per_second,
        "done": flow.done_per_second,
        "wait_p50": _milliseconds(flow.wait_seconds(0.5)),
        "wait_p95": _milliseconds(flow.wait_seconds(0.95)),
        "run_p50": _milliseconds(flow.run_seconds(0.5)),
        "run_p95": _milliseconds(flow.run_seconds(0.95)),
        "drain": _milliseconds(drain_seconds(standing, flow)),
        "lately": figures.done_lately or [],
    }


def sampled_at(figures: Sequence[QueueFigures]) -> datetime:
    """Return as of when all these figures are."""
    return min((one.sampled_at for one in figures), default=datetime.now(UTC))


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
    """Return one chart of a queue; what is still counted is dashed, what was not seen is a gap."""
    moments = _moments(within)
    at = {point.at: point for point in points}
    steps = [at.get(moment) for moment in moments]
    is_open = [moment + within.step > counted_until for moment in moments]

    def rate(step: QueuePoint, count: int) -> float | None:
        counted = min(within.step, counted_until - step.at)
        return count / (counted / MINUTE) if counted >= LEAST_COUNTED else None

    def line(name: str, tone: str, read: Callable[[QueuePoint], float | None]) -> dict[str, Any]:
        values = [None if step is None else read(step) for step in steps]
        return {"name": name, "tone": tone, "values": values}

    match chart:
        case "backlog":
            unit, lines = "", [
                line("ready", "1", lambda step: step.waiting),
                line("running", "2", lambda step: step.running),
            ]  # fmt: skip
            return _answer(moments, unit, lines)
        case "throughput":
            unit, lines = "/min", [
                line("in", "1", lambda step: rate(step, step.arrived)),
                line("out", "2", lambda step: rate(step, step.done)),
            ]  # fmt: skip
        case "times":
            unit, lines = " s", [
                line("wait p95", "1", lambda step: quantile(step.wait, 0.95)),
                line("run p95", "2", lambda step: quantile(step.run, 0.95)),
            ]  # fmt: skip
    split = [part for one in lines for part in _split(one, is_open)]
    if chart == "times":
        # Nothing finished has no time: a queue that stands still is seen by this line alone.
        split.append(line("oldest ready", "3", lambda step: step.oldest_seconds))
    if chart == "throughput":
        split.append(line("failed", "bad", lambda step: rate(step, step.failed)))
    return _answer(moments, unit, split, log=chart == "times")


def write_csv(points: Sequence[Point]) -> str:
    """Return a series as a table."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow([*PLAIN_COLUMNS, "wait_p50", "wait_p95", "run_p50", "run_p95"])
    for point in points:
        wait, run = point.wait_seconds, point.run_seconds
        plain = [getattr(point, column) for column in PLAIN_COLUMNS]
        writer.writerow([*plain, wait.p50, wait.p95, run.p50, run.p95])
    return text.getvalue()


def _split(line: dict[str, Any], is_open: Sequence[bool]) -> list[dict[str, Any]]:
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


def _answer(
    moments: Sequence[datetime], unit: str, series: list[dict[str, Any]], *, log: bool = False
) -> dict[str, Any]:
    times = [moment.timestamp() for moment in moments]
    is_empty = all(value is None for one in series for value in one["values"])
    return {"times": [] if is_empty else times, "unit": unit, "log": log, "series": series}


def _moments(within: Range) -> list[datetime]:
    count = -(-(within.until - within.since) // within.step)
    return [within.since + n * within.step for n in range(count)]


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds
