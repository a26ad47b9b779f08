"""Ties memories to files of their project that are alike and share a sign, both ways of arrival.

What a memory is tied to depends on what its project holds, not on what came first: a new or changed
memory looks for files, a new or changed file for the memories that must look again. Searched is the
filtered vector index alone, so the cost does not grow with the workspace.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, LiteralString

from neo4j import AsyncManagedTransaction

from shared.domain.memory_code import Alike, Tied, choose_alike
from shared.graph.choosing_references import MAX_NEW_PER_BATCH, MAX_PER_ENTITY
from shared.graph.statements import Row

BATCH: Final = 100
"""Memories that share `MAX_NEW_PER_BATCH`."""
CANDIDATES: Final = 25
"""Files that are looked at for one memory, the nearest."""
MEMORIES_OF_FILE: Final = 100
"""Memories that may look again because of one new file, the nearest; those with a sign do."""

FIND_ALIKE: Final[LiteralString] = """
CYPHER 25
UNWIND $memories AS memory_id
MATCH (m:Memory {workspace_id: $workspace_id, id: memory_id})
USING INDEX SEEK m:Memory(workspace_id, id)
MATCH (origin:EntitySummary {workspace_id: $workspace_id, id: 'memory:' + memory_id})
WHERE origin.project_name <> '' AND origin.embedding IS NOT NULL AND size(m.terms) > 0
CALL (origin) {
    MATCH (s:EntitySummary)
    SEARCH s IN (
        VECTOR INDEX entity_summary_neighbours FOR origin.embedding
        WHERE s.workspace_id = $workspace_id AND s.entity_type = 'code'
          AND s.project_name = origin.project_name
        LIMIT $candidates
    ) SCORE AS score
    WITH s, score WHERE score >= $score
    RETURN s.entity_id AS code_id, 2 * score - 1 AS similarity
}
MATCH (c:CodeEntity {workspace_id: $workspace_id, id: code_id})
USING INDEX SEEK c:CodeEntity(workspace_id, id)
WHERE any(sign IN m.terms WHERE sign IN c.terms)
RETURN memory_id, code_id, similarity
"""
FIND_NEAR_MEMORIES: Final[LiteralString] = """
CYPHER 25
UNWIND $files AS code_id
MATCH (c:CodeEntity {workspace_id: $workspace_id, id: code_id})
USING INDEX SEEK c:CodeEntity(workspace_id, id)
MATCH (origin:EntitySummary {workspace_id: $workspace_id, id: 'code:' + code_id})
WHERE origin.project_name <> '' AND origin.embedding IS NOT NULL
CALL (origin) {
    MATCH (s:EntitySummary)
    SEARCH s IN (
        VECTOR INDEX entity_summary_neighbours FOR origin.embedding
        WHERE s.workspace_id = $workspace_id AND s.entity_type = 'memory'
          AND s.project_name = origin.project_name
        LIMIT $most
    ) SCORE AS score
    WITH s, score WHERE score >= $score
    RETURN s.entity_id AS memory_id
}
MATCH (m:Memory {workspace_id: $workspace_id, id: memory_id})
USING INDEX SEEK m:Memory(workspace_id, id)
WHERE any(sign IN m.terms WHERE sign IN c.terms)
RETURN DISTINCT memory_id
"""
# The range over the cosine makes it the index's: only references by similarity have all three.
_OF_FILE: Final[LiteralString] = """
    MATCH (m {workspace_id: $workspace_id})-[link:REFERENCES_CODE]->
          (c {workspace_id: $workspace_id})
    USING INDEX SEEK link:REFERENCES_CODE(workspace_id, code_id, similarity)
    WHERE link.workspace_id = $workspace_id AND link.code_id = code_id AND link.similarity >= -1.0
"""
# Also those that an exact reference to a file made too full.
FIND_TIED_MEMORIES: Final[LiteralString] = f"""
CYPHER 25
UNWIND $files AS code_id
CALL (code_id) {{
    {_OF_FILE}
    RETURN m.id AS memory_id
  UNION
    MATCH (c:CodeEntity {{workspace_id: $workspace_id, id: code_id}})
    USING INDEX SEEK c:CodeEntity(workspace_id, id)
    MATCH (c)-[:DISCUSSED_IN]->(m {{workspace_id: $workspace_id}})
    WHERE COUNT {{ (m)-[:REFERENCES_CODE]->() }} > $most
    RETURN m.id AS memory_id
}}
RETURN DISTINCT memory_id
"""
READ_TIED: Final[LiteralString] = """
CYPHER 25
UNWIND $memories AS memory_id
MATCH (m:Memory {workspace_id: $workspace_id, id: memory_id})
USING INDEX SEEK m:Memory(workspace_id, id)
RETURN memory_id,
       COUNT {
           (m)-[link:REFERENCES_CODE]->() WHERE link.detection_method <> 'similarity'
       } AS exact,
       [(m)-[:REFERENCES_CODE {detection_method: 'similarity'}]->(c {workspace_id: $workspace_id})
        | c.id] AS alike
"""
UNTIE: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (m:Memory {workspace_id: $workspace_id, id: row.memory_id})
      -[link:REFERENCES_CODE {detection_method: 'similarity'}]->
      (c {workspace_id: $workspace_id, id: row.code_id})
USING INDEX SEEK m:Memory(workspace_id, id)
OPTIONAL MATCH (c)-[back:DISCUSSED_IN {detection_method: 'similarity'}]->(m)
DELETE link, back
"""
TIE: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (m:Memory {workspace_id: $workspace_id, id: row.memory_id})
USING INDEX SEEK m:Memory(workspace_id, id)
MATCH (c:CodeEntity {workspace_id: $workspace_id, id: row.code_id})
USING INDEX SEEK c:CodeEntity(workspace_id, id)
MERGE (m)-[link:REFERENCES_CODE {detection_method: 'similarity'}]->(c)
ON CREATE SET link.detected_at = datetime()
SET link.similarity = row.similarity, link.workspace_id = $workspace_id, link.code_id = c.id
MERGE (c)-[back:DISCUSSED_IN {detection_method: 'similarity'}]->(m)
ON CREATE SET back.detected_at = datetime()
SET back.similarity = row.similarity
"""
TRIM_FILES: Final[LiteralString] = f"""
CYPHER 25
UNWIND $files AS code_id
CALL (code_id) {{
    {_OF_FILE}
    WITH m, link, c ORDER BY link.similarity DESC, m.id SKIP $most
    OPTIONAL MATCH (c)-[back:DISCUSSED_IN {{detection_method: 'similarity'}}]->(m)
    DELETE link, back
}}
"""


async def tie_similar(
    tx: AsyncManagedTransaction,
    workspace_id: str,
    memories: Iterable[str],
    files: Sequence[str],
    *,
    cosine: float,
) -> set[str]:
    """Tie what is new, by ids of memories and files; return the files whose ties changed.

    Safe to repeat.
    """
    scope = {"workspace_id": workspace_id}
    score = (1 + cosine) / 2
    waiting = set(memories) | await _find_memories(tx, scope, files, score)
    ordered, changed = sorted(waiting), set[str]()
    for start in range(0, len(ordered), BATCH):
        changed |= await _tie(tx, scope, ordered[start : start + BATCH], score)
    trimmed = await tx.run(TRIM_FILES, scope, files=sorted(changed), most=MAX_PER_ENTITY)
    await trimmed.consume()
    return changed


async def _find_memories(
    tx: AsyncManagedTransaction, scope: Row, files: Sequence[str], score: float
) -> set[str]:
    """Return the memories that must look again because of new or changed files."""
    if not files:
        return set()
    near = await tx.run(FIND_NEAR_MEMORIES, scope, files=files, most=MEMORIES_OF_FILE, score=score)
    found = {row["memory_id"] for row in await near.data()}
    tied = await tx.run(FIND_TIED_MEMORIES, scope, files=files, most=MAX_PER_ENTITY)
    return found | {row["memory_id"] for row in await tied.data()}


async def _tie(
    tx: AsyncManagedTransaction, scope: Row, memories: Sequence[str], score: float
) -> set[str]:
    known = await (await tx.run(READ_TIED, scope, memories=memories)).data()
    tied = {row["memory_id"]: Tied(row["exact"], frozenset(row["alike"])) for row in known}
    near = await tx.run(
        FIND_ALIKE, scope, memories=sorted(tied), candidates=CANDIDATES, score=score
    )
    found = [
        Alike(row["memory_id"], row["code_id"], min(row["similarity"], 1.0))
        for row in await near.data()
    ]
    wanted = choose_alike(found, tied, max_per_memory=MAX_PER_ENTITY, max_new=MAX_NEW_PER_BATCH)
    gone = [
        {"memory_id": memory_id, "code_id": code_id}
        for memory_id, held in tied.items()
        for code_id in held.alike - wanted.get(memory_id, {}).keys()
    ]
    rows = [
        {"memory_id": memory_id, "code_id": code_id, "similarity": similarity}
        for memory_id, files in wanted.items()
        for code_id, similarity in files.items()
    ]
    # In one order: two transactions that lock the same nodes do not wait in a circle.
    await (await tx.run(UNTIE, scope, rows=sorted(gone, key=_pair))).consume()
    await (await tx.run(TIE, scope, rows=sorted(rows, key=_pair))).consume()
    return {str(row["code_id"]) for row in (*gone, *rows)}


def _pair(row: Row) -> tuple[str, str]:
    return row["memory_id"], row["code_id"]
