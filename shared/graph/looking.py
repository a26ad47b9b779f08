"""One run of one detector in one workspace: look at what is new, store what it means.

All in one transaction that holds the detector's mark, so nothing is lost or found twice however
many workers run, and a run that fails changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from neo4j import AsyncDriver, AsyncManagedTransaction
from opentelemetry.trace import SpanKind

from shared.domain.calibration import Calibration
from shared.domain.findings import Look, News
from shared.graph.driver import write
from shared.graph.findings import save_look
from shared.graph.marks import delete_seen_removals, lock_mark, move_mark, note_method
from shared.graph.news import Batch, Scope, read_news, read_scope
from shared.messages import PatternType
from shared.telemetry import step_span


@dataclass(frozen=True, slots=True)
class Task:
    """For whom a detector looks."""

    workspace_id: str
    calibration: Calibration
    now: datetime
    embedder: str = ""
    """By whose vectors."""


LookAt: TypeAlias = Callable[[AsyncManagedTransaction, Task, Sequence[News]], Awaitable[Look]]


@dataclass(frozen=True, slots=True)
class Detector:
    """Finds one kind of pattern."""

    name: str
    type: PatternType
    version: int
    """Of its rules: with another one, it looks at everything anew."""
    look: LookAt
    """Reads what the news may have changed, and says what it found there."""

    def method(self, task: Task) -> str:
        """Return by what it finds patterns: its rules, and the model whose vectors they compare."""
        rules = f"rules {self.version}"
        return f"{rules}, embedder {task.embedder}" if task.embedder else rules


@dataclass(frozen=True, slots=True)
class Run:
    """What a run did."""

    patterns: list[str]
    """Ids of the patterns found or found again."""
    seen: int
    """How many entities it looked at."""
    has_more: bool
    """Whether more is new than its limit let it see."""
    saw_removals: bool
    """Whether some of it was removed, as no other run of the detector is told."""


async def run_detector(
    driver: AsyncDriver, detector: Detector, task: Task, scope: Scope, *, newest: int, limit: int
) -> Run:
    """Look at up to `limit` entities: at what is new, or at the newest of the scope.

    Safe to repeat. `newest`: the last change to look at, of `read_newest`.

    Raises:
        DependencyDownError: Neo4j does not answer.
    """

    async def work(tx: AsyncManagedTransaction) -> Run:
        mark = await lock_mark(
            tx, task.workspace_id, detector.name, detector.version, newest=newest
        )
        if scope.is_everything:
            batch = await read_news(tx, task.workspace_id, mark, limit=limit)
        else:
            batch = Batch(await read_scope(tx, task.workspace_id, scope, limit=limit), mark.change)
        patterns: list[str] = []
        if batch.news:
            with _step("read what is new", len(batch.news)):
                look = await detector.look(tx, task, batch.news)
            with _step("write patterns", len(look.findings)):
                patterns = await save_look(tx, task.workspace_id, look)
        if scope.is_everything:
            await move_mark(
                tx, task.workspace_id, detector.name, detector.version, change=batch.change
            )
            await note_method(
                tx,
                task.workspace_id,
                detector.name,
                found=detector.type,
                method=detector.method(task),
            )
        removals = any(one.is_removed for one in batch.news)
        return Run(patterns, len(batch.news), batch.has_more, removals)

    return await write(driver, work)


async def forget_removals(
    driver: AsyncDriver, workspace_id: str, detectors: Sequence[Detector]
) -> None:
    """Delete the removals that all the detectors have seen."""
    names = [detector.name for detector in detectors]
    await write(driver, lambda tx: delete_seen_removals(tx, workspace_id, names))


@contextmanager
def _step(operation: str, size: int) -> Generator[None]:
    attributes = {
        "db.system.name": "neo4j",
        "db.operation.name": operation,
        "db.operation.batch.size": size,
    }
    with step_span(f"neo4j {operation}", kind=SpanKind.CLIENT, attributes=attributes):
        yield
