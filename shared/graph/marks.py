"""How far each detector has looked in each workspace; a mark is also its lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, LiteralString

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.graph.driver import write

# Whoever reads the counter without its lock may see a number before what it counts can be found:
# Neo4j shows a commit's nodes first, then index by index, and gives up its locks when all is there.
READ_NEWEST: Final[LiteralString] = """
MERGE (w:Workspace {workspace_id: $workspace_id})
SET w.looked_at = datetime()
WITH w
RETURN coalesce(w.changes, 0) AS newest
"""
# The SET takes the lock, before the mark is read. Another version of a detector starts anew.
LOCK_MARK: Final[LiteralString] = """
MERGE (d:DetectionMark {workspace_id: $workspace_id, id: $detector})
SET d.run_at = datetime()
WITH d
WITH CASE WHEN d.version = $version THEN d.change ELSE 0 END AS change
OPTIONAL MATCH (w:Workspace {workspace_id: $workspace_id})
WITH change, coalesce(w.changes, 0) AS now
RETURN coalesce(change, 0) AS change, CASE WHEN now < $newest THEN now ELSE $newest END AS newest
"""
MOVE_MARK: Final[LiteralString] = """
MATCH (d:DetectionMark {workspace_id: $workspace_id, id: $detector})
SET d.change = $change, d.version = $version
"""
# By what a detector has looked, and since when: a rate may change because this did.
NOTE_METHOD: Final[LiteralString] = """
MATCH (d:DetectionMark {workspace_id: $workspace_id, id: $detector})
WHERE NOT coalesce(d.methods[-1] = $method, false)
WITH d, coalesce(d.methods, []) AS methods, coalesce(d.methods_since, []) AS since
SET d.type = $type, d.methods = methods[-19..] + $method,
    d.methods_since = since[-19..] + datetime()
"""
DELETE_SEEN_REMOVALS: Final[LiteralString] = """
MATCH (d:DetectionMark)
WHERE d.workspace_id = $workspace_id AND d.id IN $detectors
WITH count(d) AS marks, min(coalesce(d.change, 0)) AS seen
WHERE marks = size($detectors)
MATCH (r:Removal) WHERE r.workspace_id = $workspace_id AND r.change <= seen
DELETE r
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a detector has seen, and what there is to see."""

    change: int
    """Everything up to this number it has seen."""
    newest: int
    """The number of the newest change that it may see."""


async def read_newest(driver: AsyncDriver, workspace_id: str) -> int:
    """Return the number of a workspace's newest change; every index has it, and all before it.

    In a transaction of its own: as long as one holds the counter, nobody writes to the workspace.
    """

    async def work(tx: AsyncManagedTransaction) -> int:
        found = await tx.run(READ_NEWEST, workspace_id=workspace_id)
        return (await found.single(strict=True))["newest"]

    return await write(driver, work)


async def lock_mark(
    tx: AsyncManagedTransaction, workspace_id: str, detector: str, version: int, *, newest: int
) -> Mark:
    """Return a detector's mark and keep it until commit: two runs take turns.

    `newest` was read before: where another run has seen more since, this one sees nothing new and
    sets the mark back, and what lies between is looked at once more. A workspace that was erased
    since counts anew.
    """
    found = await tx.run(
        LOCK_MARK, workspace_id=workspace_id, detector=detector, version=version, newest=newest
    )
    row = await found.single(strict=True)
    return Mark(row["change"], row["newest"])


async def move_mark(
    tx: AsyncManagedTransaction, workspace_id: str, detector: str, version: int, *, change: int
) -> None:
    """Note that everything up to `change` is seen."""
    moved = await tx.run(
        MOVE_MARK,
        workspace_id=workspace_id,
        detector=detector,
        version=version,
        change=change,
    )
    await moved.consume()


async def note_method(
    tx: AsyncManagedTransaction, workspace_id: str, detector: str, *, found: str, method: str
) -> None:
    """Note by what a detector looks for patterns of the type `found`, if that is new."""
    noted = await tx.run(
        NOTE_METHOD, workspace_id=workspace_id, detector=detector, type=found, method=method
    )
    await noted.consume()


async def delete_seen_removals(
    tx: AsyncManagedTransaction, workspace_id: str, detectors: list[str]
) -> None:
    """Forget the removals that every one of the detectors has seen."""
    deleted = await tx.run(DELETE_SEEN_REMOVALS, workspace_id=workspace_id, detectors=detectors)
    await deleted.consume()
