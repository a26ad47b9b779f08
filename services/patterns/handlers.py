"""What one detection request does."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from neo4j import AsyncDriver
from opentelemetry.trace import Span

from faststream_pgmq import report_progress
from services.patterns.detectors import DETECTORS, choose_detectors
from services.patterns.resting import FULL, Pace
from shared.embedding import Embedder
from shared.graph.looking import Detector, Run, Task, forget_removals, run_detector
from shared.graph.marks import read_newest
from shared.graph.news import Scope
from shared.messages import DetectPatterns
from shared.telemetry import step_span

MOST_NAMED: Final = 50
"""Patterns of one detector that its span names."""
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a request found."""

    patterns: list[str]
    """Ids of the patterns found, or found again."""
    has_more: bool
    """Whether more is new than the request's limit let it see."""


async def detect_patterns(
    job: DetectPatterns, *, driver: AsyncDriver, embedder: Embedder, pace: Pace = FULL
) -> Outcome:
    """Run the detectors named on what is new, or on the request's scope; rest after each.

    May run twice for one message, and beside other runs: what a run sees it sees once.

    Raises:
        UnknownPatternTypeError: before anything was read or stored.
        DependencyDownError: Neo4j does not answer.
    """
    task = Task(job.workspace_id, embedder.calibration, datetime.now(UTC), embedder.name)
    scope = Scope(job.project_name, job.since, job.until)
    chosen = choose_detectors(job.pattern_types)
    newest = await read_newest(driver, job.workspace_id)
    runs: list[Run] = []
    for detector in chosen:
        report_progress(f"detect {detector.name}", len(runs), len(chosen))
        async with pace.kept():
            runs.append(await _run(detector, task, scope, driver, newest, job.limit))
    if any(run.saw_removals for run in runs):
        await forget_removals(driver, job.workspace_id, DETECTORS)
    return Outcome(
        patterns=[pattern for run in runs for pattern in run.patterns],
        has_more=any(run.has_more for run in runs),
    )


async def _run(
    detector: Detector, task: Task, scope: Scope, driver: AsyncDriver, newest: int, limit: int
) -> Run:
    with _step(detector) as span:
        run = await run_detector(driver, detector, task, scope, newest=newest, limit=limit)
        span.set_attributes(
            {
                "supastate.entities.seen": run.seen,
                "supastate.patterns.found": len(run.patterns),
                "supastate.pattern.ids": ",".join(run.patterns[:MOST_NAMED]),
            }
        )
    logger.info(
        "%s: saw %d, found %d in %s", detector.name, run.seen, len(run.patterns), task.workspace_id
    )
    return run


@contextmanager
def _step(detector: Detector) -> Generator[Span]:
    attributes = {"supastate.pattern.type": detector.type, "supastate.detector": detector.name}
    with step_span(f"detect {detector.name}", attributes=attributes) as span:
        yield span
