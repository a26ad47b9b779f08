"""What is new in a workspace since a mark, or what a scope holds; both by an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, LiteralString

from neo4j import AsyncManagedTransaction

from shared.domain.findings import News
from shared.graph.marks import Mark
from shared.graph.statements import Row, is_there, read_collected, still_there

LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
FAR_AHEAD: Final = datetime.max.replace(tzinfo=UTC)

_COLLECT: Final[LiteralString] = """
RETURN collect(n {.id, .entity_type, .user_id, .project_name, .occurred_at, .change}) AS rows
"""
_SINCE: Final[LiteralString] = f"""
WHERE n.workspace_id = $workspace_id AND n.change > $since AND n.change <= $until
WITH n ORDER BY n.workspace_id, n.change LIMIT $limit
{_COLLECT}
"""
FIND_WRITTEN: Final[LiteralString] = f"MATCH (n:EntitySummary) {_SINCE}"
FIND_REMOVED: Final[LiteralString] = f"MATCH (n:Removal) {_SINCE}"
_NEWEST: Final[LiteralString] = f"""
  AND n.occurred_at >= $since AND n.occurred_at < $until
WITH n ORDER BY n.occurred_at DESC LIMIT $limit
{_COLLECT}
"""
FIND_IN_WORKSPACE: Final[LiteralString] = f"""
MATCH (n:EntitySummary) WHERE n.workspace_id = $workspace_id {_NEWEST}
"""
FIND_IN_PROJECT: Final[LiteralString] = f"""
MATCH (n:EntitySummary) WHERE n.workspace_id = $workspace_id AND n.project_name = $project_name
{_NEWEST}
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a request wants detectors to look again, whether or not something is new there."""

    project_name: str | None = None
    """None is any."""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_everything(self) -> bool:
        """Whether it names no place: then a run looks at what is new."""
        return self.project_name is None and self.since is None and self.until is None


@dataclass(frozen=True, slots=True)
class Batch:
    """The next things to look at."""

    news: Sequence[News]
    change: int
    """Up to which number they reach."""
    has_more: bool = False


async def read_news(
    tx: AsyncManagedTransaction, workspace_id: str, mark: Mark, *, limit: int
) -> Batch:
    """Return what changed since a mark, in order, at most `limit`."""
    values = {
        "workspace_id": workspace_id,
        "since": mark.change,
        "until": mark.newest,
        "limit": limit + 1,
    }
    rows = [(row, False) for row in await read_collected(tx, FIND_WRITTEN, values)]
    rows += [(row, True) for row in await read_collected(tx, FIND_REMOVED, values)]
    rows.sort(key=lambda found: found[0]["change"])
    taken = rows[:limit]
    has_more = len(rows) > limit
    change = taken[-1][0]["change"] if has_more else mark.newest
    there = [(row, gone) for row, gone in taken if is_there(row)]
    return Batch([_news(row, is_removed=gone) for row, gone in there], change, has_more)


async def read_scope(
    tx: AsyncManagedTransaction, workspace_id: str, scope: Scope, *, limit: int
) -> list[News]:
    """Return the newest things of a scope, at most `limit`."""
    values: dict[str, Any] = {
        "workspace_id": workspace_id,
        "project_name": scope.project_name,
        "since": scope.since or LONG_AGO,
        "until": scope.until or FAR_AHEAD,
        "limit": limit,
    }
    find = FIND_IN_WORKSPACE if scope.project_name is None else FIND_IN_PROJECT
    rows = await read_collected(tx, find, values)
    return [_news(row, is_removed=False) for row in still_there(rows)]


def _news(row: Row, *, is_removed: bool) -> News:
    return News(
        id=row["id"],
        entity_type=row["entity_type"],
        user_id=row["user_id"],
        project_name=row["project_name"],
        occurred_at=row["occurred_at"].to_native(),
        is_removed=is_removed,
    )
