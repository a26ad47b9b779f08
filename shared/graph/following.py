"""What may follow a memory: the next of its session, and what the vector index finds alike.

Both look-ups are bounded and stay inside the origin's time, so the cost of a look is that of the
weeks that the news touched, whatever else the workspace holds.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, LiteralString, cast

from neo4j import AsyncManagedTransaction

from shared.domain.findings import Look, News, Summary
from shared.domain.following import ALIKE, Candidate, FollowingRule
from shared.domain.following_findings import find_following
from shared.domain.periods import bounds_of
from shared.domain.places import Place, places_of
from shared.graph.looking import Detector, Task
from shared.graph.neighbours import SUMMARY_FIELDS, find_carriers, read_summary
from shared.graph.statements import Row, still_there

VERSION: Final = 1
MOST_ORIGINS: Final = 100
"""The most origins of one week of one project, the newest."""
MOST_READ: Final = 500
"""The most carriers of a week among which they are chosen: not all are sure."""
NEXT_OF_SESSION: Final = 20
NEIGHBOURS: Final = 20
MOST_PATHS: Final = 200

_RETURN: Final[LiteralString] = f"""
    RETURN origin.id AS origin_id, {SUMMARY_FIELDS}, similarity,
           coalesce(m.session_id = n.session_id, false) AS same_session,
           m.metadata AS origin_metadata, n.metadata AS metadata
"""
_ORIGIN: Final[LiteralString] = """
CYPHER 25
UNWIND $origins AS row
MATCH (origin:EntitySummary {workspace_id: $workspace_id, id: row.id})
MATCH (m:Memory {workspace_id: $workspace_id, id: row.memory_id})
"""


def find_next_query(signal: LiteralString) -> LiteralString:
    """Return the statement that reads what comes next in the origins' sessions and does something.

    ORDER BY names the whole index key: only then is one stretch of the session read. The hints
    matter where one workspace holds nearly all memories: the planner would scan them.
    """
    return f"""
    {_ORIGIN}
    CALL (m) {{
        MATCH (n:Memory {{workspace_id: $workspace_id, session_id: m.session_id}})
        USING INDEX SEEK n:Memory(workspace_id, session_id, place_in_session)
        WHERE n.place_in_session > m.place_in_session
        RETURN n ORDER BY n.workspace_id, n.session_id, n.place_in_session LIMIT $next
    }}
    MATCH (s:EntitySummary {{workspace_id: $workspace_id, id: 'memory:' + n.id}})
    USING INDEX SEEK s:EntitySummary(workspace_id, id)
    WHERE true IN [s.{signal}, s.is_implementation]
      AND s.user_id = row.user_id AND s.project_name = row.project_name
      AND s.occurred_at > row.since AND s.occurred_at <= row.until
    WITH origin, m, n, s, 2 * vector.similarity.cosine(origin.embedding, s.embedding) - 1
         AS similarity
    {_RETURN}
    """


def find_alike_query(signal: LiteralString) -> LiteralString:
    """Return the statement that reads what is alike and later, filtered inside the index."""
    return f"""
    {_ORIGIN}
    CALL (origin, row) {{
        MATCH (s:EntitySummary)
        SEARCH s IN (
            VECTOR INDEX entity_summary_neighbours FOR origin.embedding
            WHERE s.workspace_id = $workspace_id AND s.entity_type = 'memory'
              AND s.user_id = row.user_id AND s.project_name = row.project_name
              AND s.{signal} = true
              AND s.occurred_at > row.since AND s.occurred_at <= row.until
            LIMIT $neighbours
        ) SCORE AS score
        WITH s, score WHERE score >= $score
        RETURN s, 2 * score - 1 AS similarity
    }}
    MATCH (s)-[:SUMMARIZES]->(n:Memory {{workspace_id: $workspace_id}})
    {_RETURN}
    """


def following_detector_of(rule: FollowingRule) -> Detector:
    """Return the detector that follows the rule."""

    async def look(tx: AsyncManagedTransaction, task: Task, news: Sequence[News]) -> Look:
        # What follows an origin may lie in the week after it.
        places = places_before(news, rule.within, now=task.now)
        candidates = await find_candidates(tx, task, rule, places)
        return await asyncio.to_thread(find_following, rule, places, candidates, task.calibration)

    return Detector(rule.name, rule.type, VERSION, look)


async def find_candidates(
    tx: AsyncManagedTransaction, task: Task, rule: FollowingRule, places: Sequence[Place]
) -> list[Candidate]:
    """Return what may follow the origins that lie in the places."""
    carriers = await find_carriers(tx, task.workspace_id, rule.origin, places, limit=MOST_READ)
    origins = choose_origins(rule, carriers)
    values: Row = {
        "workspace_id": task.workspace_id,
        "origins": [_origin_row(origin, rule) for origin in origins],
        "next": NEXT_OF_SESSION,
        "neighbours": NEIGHBOURS,
        "score": (1 + task.calibration.cosine(ALIKE)) / 2,
    }
    by_id = {origin.id: origin for origin in origins}
    statements = (find_next_query(rule.later), find_alike_query(rule.later))
    found = [await (await tx.run(statement, values)).data() for statement in statements]
    return [_candidate(row, by_id) for rows in found for row in still_there(rows)]


def places_before(news: Sequence[News], within: timedelta, *, now: datetime) -> list[Place]:
    """Return the weeks whose origins the news may begin or follow."""
    return [
        place
        for place in places_of(news, now=now, spill=within)
        if any(_reaches(place, one, within) for one in news)
    ]


def choose_origins(rule: FollowingRule, carriers: Sequence[Summary]) -> list[Summary]:
    """Return the newest sure carriers of each week of a project."""
    weeks: defaultdict[tuple[str, datetime], list[Summary]] = defaultdict(list)
    for one in carriers:
        if rule.is_origin(one):
            weeks[one.project_name, bounds_of(one.occurred_at, "week")[0]].append(one)
    newest = (sorted(own, key=_newest_first)[:MOST_ORIGINS] for own in weeks.values())
    return [origin for own in newest for origin in own]


def paths_of(metadata: str | None) -> set[str]:
    """Return the files that a memory's stored metadata names, at most `MOST_PATHS`."""
    found: object = json.loads(metadata) if metadata else {}
    paths = cast("dict[str, object]", found).get("filePaths") if isinstance(found, dict) else None
    listed = cast("list[object]", paths)[:MOST_PATHS] if isinstance(paths, list) else []
    return {path for path in listed if isinstance(path, str)}


def _reaches(place: Place, one: News, within: timedelta) -> bool:
    at = one.occurred_at
    return one.project_name == place.project_name and place.since <= at < place.until + within


def _newest_first(summary: Summary) -> tuple[float, str]:
    return (-summary.occurred_at.timestamp(), summary.id)


def _origin_row(origin: Summary, rule: FollowingRule) -> Row:
    return {
        "id": origin.id,
        "memory_id": origin.id.partition(":")[2],
        "user_id": origin.user_id,
        "project_name": origin.project_name,
        "since": origin.occurred_at,
        "until": origin.occurred_at + rule.within,
    }


def _candidate(row: Row, origins: dict[str, Summary]) -> Candidate:
    before, after = paths_of(row["origin_metadata"]), paths_of(row["metadata"])
    return Candidate(
        origin=origins[row["origin_id"]],
        later=read_summary(row),
        similarity=min(row["similarity"], 1.0),
        same_session=row["same_session"],
        shared_files=len(before & after),
        all_files=len(before | after),
    )
