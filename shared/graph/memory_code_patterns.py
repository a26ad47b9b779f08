"""Looks for source files that memories speak of: those that something new is tied to.

Each such file is read as a whole, up to `MOST_REFERENCES`. A `DiscussedFile` remembers what a
file's pattern is called, for when the file is gone. When a memory is gone, so are its references:
then the discussed files of its project are read again, up to `MOST_DISCUSSED`.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString

from neo4j import AsyncManagedTransaction

from shared.domain.findings import Finding, Look, News, PatternKey
from shared.domain.memory_code import COSINE, NAME, TYPE, Mention, SourceFile, find_discussed
from shared.graph.looking import Detector, Task
from shared.graph.similar_code import tie_similar
from shared.graph.statements import Row

VERSION: Final = 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MOST_REFERENCES: Final = 2_000
"""The most references of one file that are counted: nine memories make it as sure as it gets."""
FILES_AT_ONCE: Final = 100
"""Files whose references are held in memory together."""
MOST_DISCUSSED: Final = 1_000
"""The most files of a project that are read again after memories were removed."""

FIND_FILES_OF_MEMORIES: Final[LiteralString] = """
CYPHER 25
UNWIND $memories AS memory_id
MATCH (m:Memory {workspace_id: $workspace_id, id: memory_id})
USING INDEX SEEK m:Memory(workspace_id, id)
MATCH (m)-[:REFERENCES_CODE]->(c {workspace_id: $workspace_id})
RETURN DISTINCT c.id AS id
"""
FIND_DISCUSSED_OF_PROJECTS: Final[LiteralString] = """
CYPHER 25
UNWIND $projects AS project_name
CALL (project_name) {
    MATCH (d:DiscussedFile)
    WHERE d.workspace_id = $workspace_id AND d.project_name = project_name
    RETURN d.id AS id LIMIT $most
}
RETURN id
"""
READ_DISCUSSED: Final[LiteralString] = """
CYPHER 25
UNWIND $files AS id
MATCH (d:DiscussedFile {workspace_id: $workspace_id, id: id})
RETURN d.id AS id, d.project_name AS project_name, d.path AS path
"""
READ_FILES: Final[LiteralString] = """
CYPHER 25
UNWIND $files AS id
MATCH (c:CodeEntity {workspace_id: $workspace_id, id: id})
USING INDEX SEEK c:CodeEntity(workspace_id, id)
RETURN c.id AS id, c.project_name AS project_name, c.path AS path
"""
# One record a file, with times as numbers: a driver takes longest to read dates and many records.
READ_MENTIONS: Final[LiteralString] = """
CYPHER 25
UNWIND $files AS id
MATCH (c:CodeEntity {workspace_id: $workspace_id, id: id})
USING INDEX SEEK c:CodeEntity(workspace_id, id)
CALL (c) {
    MATCH (c)<-[link:REFERENCES_CODE]-(m {workspace_id: $workspace_id})
    WITH link, m LIMIT $most
    WITH m, collect([link.detection_method, link.similarity]) AS methods
    RETURN collect([m.id, m.user_id, m.occurred_at.epochMillis, methods]) AS mentions
}
RETURN id, mentions
"""
REMEMBER: Final[LiteralString] = """
UNWIND $rows AS row
MERGE (d:DiscussedFile {workspace_id: $workspace_id, id: row.id})
SET d.project_name = row.project_name, d.path = row.path
"""
FORGET: Final[LiteralString] = """
UNWIND $files AS id
MATCH (d:DiscussedFile {workspace_id: $workspace_id, id: id})
DELETE d
"""


async def look_for_discussed(tx: AsyncManagedTransaction, task: Task, news: Sequence[News]) -> Look:
    """Tie what is new by similarity, then look at every file that something new is tied to."""
    memories = _ids(one for one in news if one.entity_type == "memory" and not one.is_removed)
    files = _ids(one for one in news if one.entity_type == "code" and not one.is_removed)
    changed = await tie_similar(
        tx, task.workspace_id, memories, files, cosine=task.calibration.cosine(COSINE)
    )
    scope = {"workspace_id": task.workspace_id}
    touched = {*changed, *_ids(one for one in news if one.entity_type == "code")}
    touched |= await _find_ids(tx, FIND_FILES_OF_MEMORIES, scope | {"memories": memories})
    projects = sorted({one.project_name for one in news if _is_lost_memory(one)})
    again = scope | {"projects": projects, "most": MOST_DISCUSSED}
    touched |= await _find_ids(tx, FIND_DISCUSSED_OF_PROJECTS, again)
    return await _look_at(tx, scope, sorted(touched))


async def _look_at(tx: AsyncManagedTransaction, scope: Row, ids: Sequence[str]) -> Look:
    before = await _read_files(tx, READ_DISCUSSED, scope, ids)
    now = await _read_files(tx, READ_FILES, scope, ids)
    findings: list[Finding] = []
    for start in range(0, len(now), FILES_AT_ONCE):
        files = now[start : start + FILES_AT_ONCE]
        mentions = await _read_mentions(tx, scope, [file.id for file in files])
        discussions = [(file, mentions[file.id]) for file in files]
        findings += await asyncio.to_thread(find_discussed, discussions)
    found = {finding.key for finding in findings}
    kept = [file for file in now if file.key in found]
    await _remember(tx, scope, before, kept)
    checked: frozenset[PatternKey] = frozenset(file.key for file in (*before, *now))
    return Look(findings, checked)


async def _remember(
    tx: AsyncManagedTransaction, scope: Row, before: list[SourceFile], kept: list[SourceFile]
) -> None:
    gone = sorted({file.id for file in before} - {file.id for file in kept})
    rows = [{"id": one.id, "project_name": one.project_name, "path": one.path} for one in kept]
    await (await tx.run(FORGET, scope, files=gone)).consume()
    await (await tx.run(REMEMBER, scope, rows=rows)).consume()


async def _read_files(
    tx: AsyncManagedTransaction, statement: LiteralString, scope: Row, ids: Sequence[str]
) -> list[SourceFile]:
    rows = await (await tx.run(statement, scope, files=ids)).data()
    return [SourceFile(row["id"], row["project_name"] or "", row["path"]) for row in rows]


async def _read_mentions(
    tx: AsyncManagedTransaction, scope: Row, ids: Sequence[str]
) -> defaultdict[str, list[Mention]]:
    found: defaultdict[str, list[Mention]] = defaultdict(list)
    result = await tx.run(READ_MENTIONS, scope, files=ids, most=MOST_REFERENCES)
    async for record in result:
        found[record["id"]] = [_mention(*one) for one in record["mentions"]]
    return found


def _mention(memory_id: str, user_id: str, at_millis: int, methods: list[Any]) -> Mention:
    at = _EPOCH + timedelta(milliseconds=at_millis)
    return Mention(f"memory:{memory_id}", user_id, at, dict(methods))


async def _find_ids(tx: AsyncManagedTransaction, statement: LiteralString, values: Row) -> set[str]:
    return {row["id"] for row in await (await tx.run(statement, values)).data()}


def _ids(news: Iterable[News]) -> list[str]:
    return list(dict.fromkeys(one.id.partition(":")[2] for one in news))


def _is_lost_memory(news: News) -> bool:
    return news.is_removed and news.entity_type == "memory"


DISCUSSED_CODE: Final = Detector(NAME, TYPE, VERSION, look_for_discussed)
