"""Stores the sessions that memories form: one `SessionSummary` each, linked to what it covers.

Only what changed is written: a session's digest says of which versions of which memories it is.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, LiteralString

from neo4j import AsyncManagedTransaction

from shared.domain.places import Place
from shared.domain.session_topics import Member, dominant_activities, telling_keywords
from shared.domain.work_sessions import Session, session_id
from shared.graph.statements import Row, run_rows

MINIMUM: Final = 2
"""Memories from which a session has a summary."""
MOST_EMBEDDINGS: Final = 1_000
"""The most memories whose embeddings make a centroid, spread evenly over the session."""

# The hints matter while there are few sessions: the planner would scan them.
FIND_STORED: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (n:SessionSummary)
USING INDEX SEEK n:SessionSummary(workspace_id, project_name, start_time)
WHERE n.workspace_id = row.workspace_id AND n.project_name = row.project_name
  AND n.start_time >= row.since AND n.start_time < row.until
RETURN n.id AS id, n.digest AS digest
"""
FIND_COVERED: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (n:SessionSummary {workspace_id: row.workspace_id, id: row.id})
      -[:COVERS]->(s:EntitySummary {workspace_id: row.workspace_id})
USING INDEX SEEK n:SessionSummary(workspace_id, id)
RETURN n.id AS id, collect(s.id) AS members
"""
FIND_MEASURED: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (s:EntitySummary {workspace_id: row.workspace_id, id: row.id})
RETURN collect(s.id) AS ids, collect(coalesce(s.pattern_signals, '{}')) AS signals,
       collect(coalesce(s.keyword_frequencies, '{}')) AS keywords
"""
DELETE_GONE: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (n:SessionSummary {workspace_id: row.workspace_id, id: row.id})
DETACH DELETE n
"""
SAVE_SESSIONS: Final[LiteralString] = """
UNWIND $rows AS row
MERGE (n:SessionSummary {workspace_id: row.workspace_id, id: row.id})
SET n += row.properties
"""
UNCOVER: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (n:SessionSummary {workspace_id: row.workspace_id, id: row.id})
USING INDEX SEEK n:SessionSummary(workspace_id, id)
MATCH (s:EntitySummary {workspace_id: row.workspace_id, id: row.member})
USING INDEX SEEK s:EntitySummary(workspace_id, id)
MATCH (n)-[covers:COVERS]->(s)
DELETE covers
"""
COVER: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (n:SessionSummary {workspace_id: row.workspace_id, id: row.id})
MATCH (s:EntitySummary {workspace_id: row.workspace_id, id: row.member})
MERGE (n)-[:COVERS]->(s)
"""
# Added up where the vectors are: of ten thousand, one is sent. Opposite vectors have no centre.
SET_CENTROIDS: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (n:SessionSummary {workspace_id: row.workspace_id, id: row.id})
CALL (row) {
    UNWIND row.members AS member
    MATCH (s:EntitySummary {workspace_id: row.workspace_id, id: member})
    WITH s.embedding AS vector WHERE vector IS NOT NULL
    UNWIND range(0, size(vector) - 1) AS place
    WITH place, avg(vector[place]) AS mean ORDER BY place
    WITH collect(mean) AS means
    RETURN means, sqrt(reduce(total = 0.0, mean IN means | total + mean * mean)) AS length
}
SET n.centroid_embedding =
    CASE WHEN length > 1e-9 THEN [mean IN means | mean / length] ELSE null END
"""


async def save_sessions(
    tx: AsyncManagedTransaction,
    workspace_id: str,
    places: Sequence[Place],
    sessions: Iterable[Session],
) -> None:
    """Store the sessions that start in the places, and delete those that no longer do.

    Safe to repeat.
    """
    found = {
        session_id(workspace_id, session): session
        for session in sessions
        if len(session.members) >= MINIMUM
    }
    stored = await _find_stored(tx, workspace_id, places)
    gone = [{"workspace_id": workspace_id, "id": key} for key in stored.keys() - found.keys()]
    await run_rows(tx, DELETE_GONE, gone)
    changed = {
        key: session for key, session in found.items() if stored.get(key) != _digest(session)
    }
    await _save_changed(tx, workspace_id, changed)


async def _find_stored(
    tx: AsyncManagedTransaction, workspace_id: str, places: Iterable[Place]
) -> dict[str, str]:
    rows = [
        {
            "workspace_id": workspace_id,
            "id": f"{place.project_name} {place.since}",
            "project_name": place.project_name,
            "since": place.since,
            "until": place.until,
        }
        for place in places
    ]
    return {row["id"]: row["digest"] for row in await run_rows(tx, FIND_STORED, rows)}


async def _save_changed(
    tx: AsyncManagedTransaction, workspace_id: str, changed: Mapping[str, Session]
) -> None:
    measured = await _read_measured(tx, workspace_id, changed.values())
    scope = {"workspace_id": workspace_id}
    rows = [
        {**scope, "id": key, "properties": _properties(session, measured)}
        for key, session in changed.items()
    ]
    await run_rows(tx, SAVE_SESSIONS, rows)
    await _save_covered(tx, workspace_id, changed)
    embedded = [
        {**scope, "id": key, "members": _spread(session)} for key, session in changed.items()
    ]
    await run_rows(tx, SET_CENTROIDS, embedded)


async def _read_measured(
    tx: AsyncManagedTransaction, workspace_id: str, sessions: Iterable[Session]
) -> dict[str, Member]:
    rows = [
        {"workspace_id": workspace_id, "id": member.id}
        for session in sessions
        for member in session.members
    ]
    return {
        summary_id: Member(json.loads(signals), json.loads(keywords))
        for row in await run_rows(tx, FIND_MEASURED, rows)
        for summary_id, signals, keywords in zip(
            row["ids"], row["signals"], row["keywords"], strict=True
        )
    }


async def _save_covered(
    tx: AsyncManagedTransaction, workspace_id: str, changed: Mapping[str, Session]
) -> None:
    """Link sessions to their members; what is linked already is left alone."""
    scope = {"workspace_id": workspace_id}
    keys = [{**scope, "id": key} for key in changed]
    linked: defaultdict[str, set[str]] = defaultdict(set)
    for row in await run_rows(tx, FIND_COVERED, keys):
        linked[row["id"]].update(row["members"])
    wanted = {key: {member.id for member in session.members} for key, session in changed.items()}
    await run_rows(tx, UNCOVER, _pairs(scope, {key: linked[key] - wanted[key] for key in wanted}))
    await run_rows(tx, COVER, _pairs(scope, {key: wanted[key] - linked[key] for key in wanted}))


def _pairs(scope: Row, links: Mapping[str, set[str]]) -> list[Row]:
    return [
        {**scope, "id": key, "member": member}
        for key, members in links.items()
        for member in sorted(members)
    ]


def _properties(session: Session, measured: Mapping[str, Member]) -> dict[str, Any]:
    members = [measured[member.id] for member in session.members if member.id in measured]
    activities = dominant_activities(members)
    first = session.members[0]
    return {
        "user_id": first.user_id,
        "project_name": first.project_name,
        "start_time": session.started_at,
        "end_time": session.ended_at,
        "entity_count": len(session.members),
        "dominant_patterns": [name for name, _ in activities],
        "dominant_pattern_counts": [count for _, count in activities],
        "keywords": telling_keywords(members),
        "digest": _digest(session),
    }


def _spread(session: Session) -> list[str]:
    """Return all members of a session, of a very large one some, spread evenly."""
    members = session.members
    step = max(len(members) / MOST_EMBEDDINGS, 1.0)
    return [members[int(step * n)].id for n in range(min(len(members), MOST_EMBEDDINGS))]


def _digest(session: Session) -> str:
    """Return what stays the same while a session is of the same versions of the same memories."""
    told = "\x1f".join(f"{member.id} {member.change}" for member in session.members)
    return sha256(told.encode()).hexdigest()
