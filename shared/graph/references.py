"""Which memories speak of which files: by a tool call's path, or by a name that only it goes by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, LiteralString, TypeAlias

from neo4j import AsyncManagedTransaction

from shared.domain.code_mentions import is_telling
from shared.graph.choosing_references import (
    MAX_PER_ENTITY,
    NAME_MATCH,
    TOOL_PATH,
    choose,
    longest_first,
)
from shared.graph.code import MeasuredCode
from shared.graph.memories import MeasuredMemory
from shared.graph.mentions import Mentions, mentions_of_code
from shared.graph.statements import Row, run_rows
from shared.graph.terms import term

Key: TypeAlias = tuple[str, str]
"""A workspace, and the id of a file in it."""

CANDIDATES: Final = 2 * MAX_PER_ENTITY
"""Files that are looked at for a memory; those that share rare names come first."""
MAX_MEMORIES_OF_FILE: Final = 200
"""Memories that are looked at when a file arrives after them."""

_FOUND: Final[LiteralString] = """
RETURN row.workspace_id AS workspace_id, row.id AS id, m.id AS memory_id, c.id AS code_id, score,
       c.path AS path,
       COUNT {
           (m)-[link:REFERENCES_CODE]->() WHERE link.detection_method <> 'similarity'
       } AS linked,
       [(m)-[link:REFERENCES_CODE]->(c) | link.detection_method] AS known
"""
FIND_CODE: Final[LiteralString] = f"""
UNWIND $rows AS row
CALL db.index.fulltext.queryNodes('code_entity_terms', row.query, {{limit: $limit}})
YIELD node AS c, score
WHERE c.workspace_id = row.workspace_id
MATCH (m:Memory {{workspace_id: row.workspace_id, id: row.id}})
USING INDEX SEEK m:Memory(workspace_id, id)
{_FOUND}, c.terms AS terms
"""
FIND_MEMORIES: Final[LiteralString] = f"""
UNWIND $rows AS row
CALL db.index.fulltext.queryNodes('memory_terms', row.query, {{limit: $limit}})
YIELD node AS m, score
WHERE m.workspace_id = row.workspace_id
MATCH (c:CodeEntity {{workspace_id: row.workspace_id, id: row.id}})
USING INDEX SEEK c:CodeEntity(workspace_id, id)
{_FOUND}, m.terms AS terms
"""
FIND_NAMESAKES: Final[LiteralString] = """
UNWIND $rows AS row
CALL db.index.fulltext.queryNodes('code_entity_terms', row.query, {limit: $limit})
YIELD node AS c
WHERE c.workspace_id = row.workspace_id AND c.id <> row.id
RETURN row.workspace_id AS workspace_id, row.id AS id, c.id AS code_id, c.path AS path,
       c.terms AS terms
"""
# A term holds workspace and project: what has it is of one project.
COUNT_FILES_OF_NAME: Final[LiteralString] = """
UNWIND $rows AS row
CALL (row) {
    CALL db.index.fulltext.queryNodes('code_entity_terms', row.id, {limit: 2}) YIELD node
    WHERE node.workspace_id = row.workspace_id
    RETURN count(node) AS files
}
RETURN row.workspace_id AS workspace_id, row.id AS id, files
"""
# The far end bears no label: with one, the planner may scan the label while it has few nodes.
_FORGET: Final[LiteralString] = """
OPTIONAL MATCH (c)-[back:DISCUSSED_IN {detection_method: link.detection_method}]->(m)
FOREACH (gone IN CASE WHEN kept = [] THEN [link, back] ELSE [] END | DELETE gone)
FOREACH (held IN CASE WHEN kept = [] THEN [] ELSE [link, back] END |
    SET held.names = kept, held.matched_name = kept[0])
WITH c, kept WHERE kept = []
RETURN DISTINCT c.workspace_id AS workspace_id, c.id AS id
"""
_NAMES: Final[LiteralString] = "coalesce(link.names, [link.matched_name])"
FORGET_PATHS: Final[LiteralString] = f"""
UNWIND $rows AS row
MATCH (m:Memory {{workspace_id: row.workspace_id, id: row.id}})
USING INDEX SEEK m:Memory(workspace_id, id)
MATCH (m)-[link:REFERENCES_CODE {{detection_method: 'tool_path'}}]->
      (c {{workspace_id: row.workspace_id}})
WHERE NOT (c.path IN row.paths AND c.project_name = row.project_name)
WITH m, link, c, [] AS kept
{_FORGET}
"""
FORGET_NAMES_OF_MEMORIES: Final[LiteralString] = f"""
UNWIND $rows AS row
MATCH (m:Memory {{workspace_id: row.workspace_id, id: row.id}})
USING INDEX SEEK m:Memory(workspace_id, id)
MATCH (m)-[link:REFERENCES_CODE {{detection_method: 'name_match'}}]->
      (c {{workspace_id: row.workspace_id}})
WITH m, link, c, [name IN {_NAMES} WHERE name IN row.names AND c.project_name = row.project_name]
     AS kept
{_FORGET}
"""
FORGET_NAMES_OF_CODE: Final[LiteralString] = f"""
UNWIND $rows AS row
MATCH (c:CodeEntity {{workspace_id: row.workspace_id, id: row.id}})
USING INDEX SEEK c:CodeEntity(workspace_id, id)
MATCH (c)<-[link:REFERENCES_CODE {{detection_method: 'name_match'}}]-
      (m {{workspace_id: row.workspace_id}})
WITH m, link, c, [name IN {_NAMES} WHERE name IN row.names] AS kept
{_FORGET}
"""
FORGET_SHARED_NAMES: Final[LiteralString] = f"""
UNWIND $rows AS row
MATCH (c:CodeEntity {{workspace_id: row.workspace_id, id: row.id}})
USING INDEX SEEK c:CodeEntity(workspace_id, id)
MATCH (c)<-[link:REFERENCES_CODE {{detection_method: 'name_match'}}]-
      (m {{workspace_id: row.workspace_id}})
WITH m, link, c, [name IN {_NAMES} WHERE NOT name IN row.names] AS kept
{_FORGET}
"""
LINK_REFERENCES: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (m:Memory {workspace_id: row.workspace_id, id: row.memory_id})
USING INDEX SEEK m:Memory(workspace_id, id)
MATCH (c:CodeEntity {workspace_id: row.workspace_id, id: row.code_id})
USING INDEX SEEK c:CodeEntity(workspace_id, id)
MERGE (m)-[link:REFERENCES_CODE {detection_method: row.detection_method}]->(c)
ON CREATE SET link.detected_at = datetime()
SET link.matched_name = row.matched_name, link.names = row.names
MERGE (c)-[back:DISCUSSED_IN {detection_method: row.detection_method}]->(m)
ON CREATE SET back.detected_at = datetime()
SET back.matched_name = row.matched_name, back.names = row.names
"""


async def link_references(
    tx: AsyncManagedTransaction, memories: Sequence[MeasuredMemory], files: Sequence[MeasuredCode]
) -> list[Key]:
    """Link written memories to the code of their project, and written files to its memories.

    Returns the files that lost a reference, which are news to detectors. The projects must be
    locked: `lock_owners`.
    """
    of_memories = [memory.mentions for memory in memories]
    of_files = [mentions_of_code(file.entity, file.parsed.names) for file in files]
    lost = await _forget(tx, of_memories, of_files)
    found = await _find(tx, FIND_CODE, of_memories, limit=CANDIDATES)
    found += await _find(tx, FIND_MEMORIES, of_files, limit=MAX_MEMORIES_OF_FILE)
    await run_rows(tx, LINK_REFERENCES, choose(await _keep_certain(tx, found)))
    return lost


async def _forget(
    tx: AsyncManagedTransaction, of_memories: Sequence[Mentions], of_files: Sequence[Mentions]
) -> list[Key]:
    """Forget what no longer holds, also since a written file took away that a name is another's."""
    claims = [one.claim() for one in of_memories]
    shared = await _find_shared_names(tx, of_files)
    own = [
        claim | {"names": [name for name in claim["names"] if name not in shared[_key(claim)]]}
        for claim in (one.claim() for one in of_files)
    ]
    others = [
        {"workspace_id": key[0], "id": key[1], "names": sorted(names)}
        for key, names in shared.items()
    ]
    rows = await run_rows(tx, FORGET_PATHS, claims)
    rows += await run_rows(tx, FORGET_NAMES_OF_MEMORIES, claims)
    rows += await run_rows(tx, FORGET_NAMES_OF_CODE, own)
    rows += await run_rows(tx, FORGET_SHARED_NAMES, others)
    return sorted({_key(row) for row in rows})


async def _find_shared_names(
    tx: AsyncManagedTransaction, of_files: Sequence[Mentions]
) -> defaultdict[Key, set[str]]:
    """Return the names that files share with others, for each file that they are no longer of."""
    asked = {(side.workspace_id, side.id): side for side in of_files}
    rows = [side.question() for side in asked.values()]
    shared: defaultdict[Key, set[str]] = defaultdict(set)
    for row in await run_rows(tx, FIND_NAMESAKES, rows, limit=CANDIDATES):
        side = asked[_key(row)]
        terms = side.terms()
        names = {name for one in row["terms"] if (name := terms.get(one)) and is_telling(name)}
        shared[_key(row)] |= names - set(side.paths)
        shared[row["workspace_id"], row["code_id"]] |= names - {row["path"]}
    return shared


async def _find(
    tx: AsyncManagedTransaction, statement: LiteralString, sides: Iterable[Mentions], *, limit: int
) -> list[Row]:
    asked = {(side.workspace_id, side.id): side for side in sides if side.paths or side.telling}
    rows = [side.question() for side in asked.values()]
    found = await run_rows(tx, statement, rows, limit=limit)
    return [described for row in found for described in _describe(row, asked[_key(row)])]


def _describe(row: Row, side: Mentions) -> Iterator[Row]:
    terms = side.terms()
    shared = [terms[one] for one in row["terms"] if one in terms]
    pair = f"{row['memory_id']}>{row['code_id']}"
    reference = row | {"id": pair, "project_name": side.project_name}
    if None in shared:
        path = {"detection_method": TOOL_PATH, "matched_name": None, "names": None}
        yield reference | path
    if names := longest_first(name for name in shared if name and is_telling(name)):
        yield reference | {"detection_method": NAME_MATCH, "names": names}


async def _keep_certain(tx: AsyncManagedTransaction, found: Sequence[Row]) -> list[Row]:
    """Return the references by path, and those by a name that no other file goes by.

    A name that is a whole path is that file's, whatever others are called.
    """
    asked = {
        (row["workspace_id"], _term(row, name)) for row in found for name in row["names"] or ()
    }
    rows = [{"workspace_id": workspace_id, "id": one} for workspace_id, one in asked]
    counted = await run_rows(tx, COUNT_FILES_OF_NAME, rows)
    unique = {_key(row) for row in counted if row["files"] == 1}
    certain: list[Row] = []
    for row in found:
        names = [
            name
            for name in row["names"] or ()
            if name == row["path"] or (row["workspace_id"], _term(row, name)) in unique
        ]
        if names:
            certain.append(row | {"names": names, "matched_name": names[0]})
        elif row["detection_method"] == TOOL_PATH:
            certain.append(row)
    return certain


def _term(row: Row, name: str) -> str:
    return term(row["workspace_id"], row["project_name"], "name", name)


def _key(row: Row) -> Key:
    return row["workspace_id"], row["id"]
