"""Looks for patterns of one signal: the weeks that the news touched, each as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from neo4j import AsyncManagedTransaction

from shared.domain.detector import SignalDetector
from shared.domain.findings import Look, News
from shared.domain.places import places_of
from shared.graph.looking import Detector, Task
from shared.graph.neighbours import read_for

VERSION: Final = 2


def detector_of(rules: SignalDetector) -> Detector:
    """Return the detector that follows the rules."""

    async def look(tx: AsyncManagedTransaction, task: Task, news: Sequence[News]) -> Look:
        places = places_of(news, now=task.now)
        reading = await read_for(
            tx,
            rules,
            places,
            workspace_id=task.workspace_id,
            calibration=task.calibration,
        )
        # In a thread: ten thousand carriers must not keep the heartbeat from running.
        return await asyncio.to_thread(rules.find, reading)

    return Detector(rules.type, rules.type, VERSION, look)
