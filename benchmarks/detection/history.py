"""What detectors leave behind in a workspace that was looked at: marks and patterns."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, LiteralString

from neo4j import AsyncDriver

from benchmarks.detection.world import World
from services.patterns.detectors import DETECTORS
from shared.domain.findings import Finding, Look
from shared.domain.periods import period_of
from shared.graph.driver import write
from shared.graph.findings import save_look

RECENT_WEEKS: Final = 10
"""The weeks that the rounds look at have no patterns yet."""
NAMES: Final = (
    ("debugging", "debugging-session-semantic"),
    ("learning", "research-session-semantic"),
    ("refactoring", "code-improvement-semantic"),
)
LOOKED_AT_ALL: Final[LiteralString] = """
MATCH (w:Workspace {workspace_id: $workspace_id})
UNWIND $marks AS mark
MERGE (d:DetectionMark {workspace_id: $workspace_id, id: mark.id})
SET d.version = mark.version, d.change = w.changes
"""


async def mark_all_seen(driver: AsyncDriver, world: World) -> None:
    """Let every detector have looked at everything."""
    marks = [{"id": detector.name, "version": detector.version} for detector in DETECTORS]
    await driver.execute_query(LOOKED_AT_ALL, workspace_id=world.workspace_id, marks=marks)


async def save_patterns(driver: AsyncDriver, world: World) -> None:
    """Store a pattern of each type for each older week of each project, without its evidence."""
    for week in range(world.weeks - RECENT_WEEKS):
        places = ((week, project) for project in range(world.projects))
        look = Look([_finding(world, *place, *name) for place in places for name in NAMES])
        await write(driver, lambda tx, look=look: save_look(tx, world.workspace_id, look))


def _finding(world: World, week: int, project: int, type_: str, name: str) -> Finding:
    monday = world.monday(week)
    return Finding(
        type=type_,
        name=name,
        user_id=None,
        project_name=f"project-{project}",
        period=period_of(monday, "week"),
        period_type="week",
        frequency=12,
        confidence=0.5,
        evidence=(),
        first_at=monday,
        last_at=monday + timedelta(days=6),
        metadata={"reason": "12 memories carry the signal."},
    )
