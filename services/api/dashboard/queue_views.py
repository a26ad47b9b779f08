"""What the pages show of queues: rows, tones, the stages of the pipeline, a table to keep. Pure."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from io import StringIO
from typing import Any, Final

from services.api.queue_answers import Point
from shared.domain.queue_flow import drain_seconds, state_of
from shared.messages import MEMORY_INGESTION, PATTERN_DETECTION, SUMMARY_GENERATION
from shared.postgres.queue_figures import QueueFigures

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


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds
