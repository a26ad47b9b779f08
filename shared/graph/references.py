"""Which memories speak of which files: by a tool call's path, or by a name that they mention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, LiteralString

from neo4j import AsyncManagedTransaction

from shared.graph.code import MeasuredCode
from shared.graph.memories import MeasuredMemory
from shared.graph.mentions import Mentions, mentions_of_code
from shared.graph.statements import Row, run_rows

TOOL_PATH: Final = "tool_path"
NAME_MATCH: Final = "name_match"
MAX_PER_ENTITY: Final = 25
MAX_NAME_MATCHES_PER_BATCH: Final = 100

_FOUND: Final[LiteralString] = """
RETURN row.workspace_id AS workspace_id, row.id AS id, m.id AS memory_id, c.id AS code_id, score,
       COUNT { (m)-[:REFERENCES_CODE]->() } AS linked,
       [(m)-[link:REFERENCES_CODE]->(c) | link.detection_method] AS known
"""
FIND_CODE: Final[LiteralString] = f"""
UNWIND $rows AS row
CALL db.index.fulltext.queryNodes('code_entity_terms', row.query, {{limit: $limit}})
YIELD node AS c, score
WHERE c.workspace_id = row.workspace_id
MATCH (m:Memory {{workspace_id: row.workspace_id, id: row.id}})
{_FOUND}, c.terms AS terms
"""
FIND_MEMORIES: Final[LiteralString] = f"""
UNWIND $rows AS row
CALL db.index.fulltext.queryNodes('memory_terms', row.query, {{limit: $limit}})
YIELD node AS m, score
WHERE m.workspace_id = row.workspace_id
MATCH (c:CodeEntity {{workspace_id: row.workspace_id, id: row.id}})
{_FOUND}, m.terms AS terms
"""
# The far end bears no label: with one, the planner may scan the label while it has few nodes.
_FORGET: Final[LiteralString] = """
OPTIONAL MATCH (c)-[back:DISCUSSED_IN {detection_method: link.detection_method}]->(m)
DELETE link, back
"""
FORGET_OF_MEMORIES: Final[LiteralString] = f"""
UNWIND $rows AS row
MATCH (m:Memory {{workspace_id: row.workspace_id, id: row.id}})
MATCH (m)-[link:REFERENCES_CODE]->(c {{workspace_id: row.workspace_id}})
WHERE link.detection_method = 'name_match'
      AND NOT (link.matched_name IN row.names AND c.project_name = row.project_name)
   OR link.detection_method = 'tool_path'
      AND NOT (c.path IN row.paths AND c.project_name = row.project_name)
{_FORGET}
"""
FORGET_OF_CODE: Final[LiteralString] = f"""
UNWIND $rows AS row
MATCH (c:CodeEntity {{workspace_id: row.workspace_id, id: row.id}})
MATCH (c)<-[link:REFERENCES_CODE {{detection_method: 'name_match'}}]-
      (m {{workspace_id: row.workspace_id}})
WHERE NOT link.matched_name IN row.names
{_FORGET}
"""
LINK_REFERENCES: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (m:Memory {workspace_id: row.workspace_id, id: row.memory_id})
MATCH (c:CodeEntity {workspace_id: row.workspace_id, id: row.code_id})
MERGE (m)-[link:REFERENCES_CODE {detection_method: row.detection_method}]->(c)
ON CREATE SET link.detected_at = datetime()
SET link.matched_name = row.matched_name
MERGE (c)-[back:DISCUSSED_IN {detection_method: row.detection_method}]->(m)
ON CREATE SET back.detected_at = datetime()
SET back.matched_name = row.matched_name
"""


async def link_references(
    tx: AsyncManagedTransaction, memories: Sequence[MeasuredMemory], files: Sequence[MeasuredCode]
) -> None:
    """Link written memories to the code of their project, and written files to its memories.

    The projects must be locked: `lock_owners`.
    """
    of_memories = [memory.mentions for memory in memories]
    of_files = [mentions_of_code(file.entity, file.parsed.names) for file in files]
    await run_rows(tx, FORGET_OF_MEMORIES, [one.claim() for one in of_memories])
    await run_rows(tx, FORGET_OF_CODE, [one.claim() for one in of_files])
    found = await _find(tx, FIND_CODE, of_memories) + await _find(tx, FIND_MEMORIES, of_files)
    await run_rows(tx, LINK_REFERENCES, choose(found))


async def _find(
    tx: AsyncManagedTransaction, statement: LiteralString, sides: Iterable[Mentions]
) -> list[Row]:
    asked = {(side.workspace_id, side.id): side for side in sides if side.paths or side.names}
    rows = [side.question() for side in asked.values()]
    found = await run_rows(tx, statement, rows, limit=MAX_PER_ENTITY)
    return [
        described
        for row in found
        for described in _describe(row, asked[row["workspace_id"], row["id"]])
    ]


def _describe(row: Row, side: Mentions) -> Iterator[Row]:
    terms = side.terms()
    shared = [terms[one] for one in row["terms"] if one in terms]
    reference = row | {"id": f"{row['memory_id']}>{row['code_id']}", "matched_name": None}
    if None in shared:
        yield reference | {"detection_method": TOOL_PATH}
    if names := [name for name in shared if name]:
        yield reference | {"detection_method": NAME_MATCH, "matched_name": max(names, key=len)}


def choose(found: Iterable[Row]) -> list[Row]:
    """Return the references to write: exact ones first, then the most telling names.

    None beyond `MAX_PER_ENTITY` of a memory and `MAX_NAME_MATCHES_PER_BATCH` of all.
    """
    new = (row for row in found if row["detection_method"] not in row["known"])
    best = sorted(new, key=lambda row: (row["detection_method"] == NAME_MATCH, -row["score"]))
    seen = set[tuple[str, ...]]()
    counts: Counter[str | tuple[str, str]] = Counter()
    chosen: list[Row] = []
    for row in best:
        memory = row["workspace_id"], row["memory_id"]
        is_full = row["linked"] + counts[memory] >= MAX_PER_ENTITY
        is_full |= (
            row["detection_method"] == NAME_MATCH
            and counts[NAME_MATCH] >= MAX_NAME_MATCHES_PER_BATCH
        )
        key = (*memory, row["code_id"], row["detection_method"])
        if is_full or key in seen:
            continue
        seen.add(key)
        counts.update((memory, row["detection_method"]))
        chosen.append(row)
    return chosen
