"""Whether Neo4j answers, asked for at most every few seconds, however many pages want to know."""

from __future__ import annotations

import asyncio
import time
from typing import Final
from weakref import WeakKeyDictionary

from neo4j import AsyncDriver

from shared.errors import DependencyDownError
from shared.runtime import probe_neo4j

ASK_EVERY_SECONDS: Final = 5.0
PATIENCE_SECONDS: Final = 0.2
"""A page waits no longer; the next one is told."""


class GraphWatch:
    """What one driver was last told."""

    def __init__(self) -> None:
        self._asked_at = -ASK_EVERY_SECONDS
        self._asking: asyncio.Task[None] | None = None
        self.answers = True

    async def ask(self, driver: AsyncDriver) -> bool:
        """Return whether Neo4j answered when it was last asked."""
        if self._asking is None and time.monotonic() - self._asked_at >= ASK_EVERY_SECONDS:
            self._asking = asyncio.create_task(self._probe(driver))
        if self._asking is not None:
            await asyncio.wait([self._asking], timeout=PATIENCE_SECONDS)
        return self.answers

    async def _probe(self, driver: AsyncDriver) -> None:
        try:
            await probe_neo4j(driver)
            self.answers = True
        except DependencyDownError:
            self.answers = False
        finally:
            self._asked_at, self._asking = time.monotonic(), None


_watches: Final[WeakKeyDictionary[AsyncDriver, GraphWatch]] = WeakKeyDictionary()


async def graph_answers(driver: AsyncDriver) -> bool:
    """Return whether Neo4j answered a moment ago."""
    return await _watches.setdefault(driver, GraphWatch()).ask(driver)
