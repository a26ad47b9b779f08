"""What one detection request does."""

from __future__ import annotations

import logging

from neo4j import AsyncDriver

from shared.domain.detectors import DETECTORS, choose_detectors
from shared.embedding import Embedder
from shared.graph.detection import read_for
from shared.graph.patterns import save_findings
from shared.messages import DetectPatterns

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
        reading = await read_for(
            driver,
            detector,
            workspace_id=job.workspace_id,
            calibration=embedder.calibration,
            limit=job.limit,
        )
        findings = detector.find(reading)
        stored += await save_findings(driver, job.workspace_id, detector, findings)
        logger.info("%s: %d found in %s", detector.type, len(findings), job.workspace_id)
    for pattern_type in sorted(set(job.pattern_types) - DETECTORS.keys()):
        logger.info("%s: no detector yet", pattern_type)
    return stored
