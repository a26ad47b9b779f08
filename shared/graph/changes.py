"""Numbers what changes in a workspace, so that detectors find what is new since they last looked.

The counter stays locked until a commit can be seen in every index: whoever reads it under its lock
finds all that it counted. A clock could not promise that, nor could the counter without its lock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, LiteralString, TypeAlias

from neo4j import AsyncManagedTransaction

from shared.domain.findings import News
from shared.graph.statements import Row, run_rows

Lost: TypeAlias = tuple[str, News]
"""A workspace, and what left its place there."""

# The first SET takes the lock, before the counter is read.
_TAKE_NUMBERS: Final[LiteralString] = """
UNWIND $rows AS row
MERGE (w:Workspace {workspace_id: row.workspace_id})
SET w.changed_at = datetime()
WITH w, row
WITH w, row, coalesce(w.changes, 0) AS before
SET w.changes = before + size(row.items)
WITH row, before
UNWIND range(0, size(row.items) - 1) AS place
WITH row.workspace_id AS workspace_id, row.items[place] AS item, before + place + 1 AS change
"""
NUMBER_WRITTEN: Final[LiteralString] = f"""
{_TAKE_NUMBERS}
MATCH (s:EntitySummary {{workspace_id: workspace_id, id: item.id}})
SET s.change = change
"""
NUMBER_LOST: Final[LiteralString] = f"""
{_TAKE_NUMBERS}
CREATE (r:Removal {{workspace_id: workspace_id, change: change}})
SET r += item
"""
# A new version that moved elsewhere leaves a gap where it was.
FIND_MOVED: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (s:EntitySummary {workspace_id: row.workspace_id, id: row.id})
      -[:SUMMARIZES]->(n {workspace_id: row.workspace_id})
WHERE s.user_id <> n.user_id OR s.project_name <> coalesce(n.project_name, '')
   OR s.occurred_at <> coalesce(n.occurred_at, n.updated_at)
RETURN s.workspace_id AS workspace_id, s.id AS id, s.entity_type AS entity_type,
       s.user_id AS user_id, s.project_name AS project_name, s.occurred_at AS occurred_at
"""


async def find_moved(tx: AsyncManagedTransaction, rows: Sequence[Row]) -> list[Lost]:
    """Return which summaries are about to leave their place.

    `rows` name them by workspace and id. Call it after the entities are written, before these are.
    """
    return [read_lost(row) for row in await run_rows(tx, FIND_MOVED, rows)]


async def number_changes(
    tx: AsyncManagedTransaction, written: Iterable[tuple[str, str]], lost: Iterable[Lost] = ()
) -> None:
    """Number written summaries, by workspace and id, and what is lost.

    Call last in a transaction: from here to its commit others wait.
    """
    kept = ((workspace, {"id": summary_id}) for workspace, summary_id in written)
    await run_rows(tx, NUMBER_WRITTEN, _by_workspace(kept))
    gone = ((workspace, _lost_row(news)) for workspace, news in lost)
    await run_rows(tx, NUMBER_LOST, _by_workspace(gone))


def read_lost(row: Row) -> Lost:
    """Return what was at a place, of a row with the workspace and all fields of `News`."""
    return row["workspace_id"], News(
        id=row["id"],
        entity_type=row["entity_type"],
        user_id=row["user_id"],
        project_name=row["project_name"],
        occurred_at=row["occurred_at"].to_native(),
        is_removed=True,
    )


def _by_workspace(items: Iterable[tuple[str, Row]]) -> list[Row]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for workspace_id, item in items:
        found[workspace_id].append(item)
    return [
        {"workspace_id": workspace_id, "id": workspace_id, "items": own}
        for workspace_id, own in found.items()
    ]


def _lost_row(news: News) -> Row:
    return {
        "id": news.id,
        "entity_type": news.entity_type,
        "user_id": news.user_id,
        "project_name": news.project_name,
        "occurred_at": news.occurred_at,
    }
