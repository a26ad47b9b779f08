"""What the pages show of queues: charts over time, tones, the stages of the pipeline. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, Literal, TypeAlias

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
LOWEST_ON_LOG_AXIS: Final = 0.001


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


def chart_throughput(figures: Sequence[QueueFigures]) -> dict[str, Any]:
    """Return what each queue finished a minute in the last hour."""
    minutes = max((one.minutes or [] for one in figures), key=len, default=[])
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
    minutes = within.step.total_seconds() / 60
    is_open = [moment + within.step > counted_until for moment in moments]

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
                line("in", "1", lambda step: step.arrived / minutes),
                line("out", "2", lambda step: step.done / minutes),
                line("failed", "bad", lambda step: step.failed / minutes),
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
    return _answer(moments, unit, split, log=chart == "times")


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
        whole.append({**line, "name": f"{line['name']}, so far", "values": rest, "dashed": True})
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
