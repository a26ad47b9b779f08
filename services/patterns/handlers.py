"""What one detection request does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator
from contextlib import contextmanager

from neo4j import AsyncDriver
from opentelemetry.trace import SpanKind

from shared.domain.calibration import Calibration
from shared.domain.detector import Detector, Reading
from shared.domain.detectors import DETECTORS, choose_detectors
from shared.embedding import Embedder
from shared.graph.detection import read_for
from shared.graph.findings import save_findings
from shared.messages import DetectPatterns
from shared.telemetry import step_span

logger = logging.getLogger(__name__)


async def detect_patterns(
    job: DetectPatterns, *, driver: AsyncDriver, embedder: Embedder
) -> list[str]:
    """Run the detectors named, store what they find, and return the patterns' ids.

    May run twice for one message: patterns are merged on stable ids.

    Raises:
        UnknownPatternTypeError: before anything was read or stored.
        DependencyDownError: Neo4j does not answer.
    """
    stored: list[str] = []
    for detector in choose_detectors(job.pattern_types):
        reading = await _read(detector, job, driver, embedder.calibration)
        findings = await asyncio.to_thread(detector.find, reading)
        with _step("write patterns", detector.type):
            stored += await save_findings(
                driver, job.workspace_id, detector, findings, read_at=reading.read_at
            )
        logger.info("%s: %d found in %s", detector.type, len(findings), job.workspace_id)
    for pattern_type in sorted(set(job.pattern_types) - DETECTORS.keys()):
        logger.info("%s: no detector yet", pattern_type)
    return stored


async def _read(
    detector: Detector, job: DetectPatterns, driver: AsyncDriver, calibration: Calibration
) -> Reading:
    with _step("read summaries", detector.type):
        return await read_for(
            driver,
            detector,
            workspace_id=job.workspace_id,
            calibration=calibration,
            limit=job.limit,
        )


@contextmanager
def _step(operation: str, pattern_type: str) -> Generator[None]:
    attributes = {
        "db.system.name": "neo4j",
        "db.operation.name": operation,
        "supastate.pattern.type": pattern_type,
    }
    with step_span(f"neo4j {operation}", kind=SpanKind.CLIENT, attributes=attributes):
        yield
