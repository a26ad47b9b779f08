"""A workspace in which one word stands wherever something can be stored, and a search for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID, uuid4

import httpx
from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from services.ingest.handlers import ingest
from services.ingest.loading import Pool
from services.patterns.deleting import delete_data
from services.patterns.handlers import detect_patterns
from services.summaries.handlers import summarize_project
from shared.embedding import Embedder
from shared.llm import ExtractiveSummariser
from shared.messages import DeleteData, DetectPatterns, Ingestion, SummarizeProject
from tests.integration.patterns.pattern_builders import EMBEDDER

Conn = AsyncConnection[TupleRow]
MARK: Final = f"xylo{uuid4().hex[:8]}"
"""Of this run: the graph is shared, and a run that was killed leaves its words there."""
JOB: Final = "supastate.job_id"
INGESTION: TypeAdapter[Ingestion] = TypeAdapter(Ingestion)
READ = "SELECT msg_id, message FROM pgmq.read(%s, 60, 1000)"
OWNED_TABLES = """
SELECT table_schema || '.' || table_name FROM information_schema.columns
WHERE column_name = 'workspace_id' AND table_schema NOT IN ('pg_catalog', 'information_schema')
  AND table_name NOT IN ('deletions', 'removed_entities')
"""
OWNED_LABELS: LiteralString = """
SHOW CONSTRAINTS YIELD labelsOrTypes, properties WHERE 'workspace_id' IN properties
RETURN DISTINCT labelsOrTypes[0] AS label
"""
PLANT: LiteralString = """
CREATE (n:$($label)) SET n.workspace_id = $workspace, n.id = randomUUID(), n.name = 'x',
                         n.parent_id = randomUUID(), n.change = 1000000
"""
# Keys and what the audit log and the deletion say of themselves stay; they hold no content.
TABLES = """
SELECT table_schema, table_name FROM information_schema.tables
WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
"""
FIND_ROWS: LiteralString = """
SELECT word FROM unnest(%s::text[]) AS word
WHERE EXISTS (SELECT FROM {} AS t WHERE strpos(t::text, word) > 0)
"""
FIND_IN: LiteralString = """
UNWIND keys(n) AS key
WITH n, CASE WHEN n[key] IS :: STRING NOT NULL THEN [n[key]]
             WHEN n[key] IS :: LIST<STRING NOT NULL> NOT NULL THEN n[key] ELSE [] END AS texts
UNWIND texts AS text
UNWIND $words AS word
WITH n, text, word WHERE text CONTAINS word
"""
FIND_NODES: LiteralString = f"MATCH (n) {FIND_IN} RETURN DISTINCT word, labels(n)[0] AS place"
FIND_LINKS: LiteralString = f"MATCH ()-[n]->() {FIND_IN} RETURN DISTINCT word, type(n) AS place"


@dataclass(frozen=True)
class World:
    """One workspace, its services' parts, and clients."""

    conn: Conn
    pool: Pool
    driver: AsyncDriver
    workspace: str

    async def take(self, queue: str) -> list[tuple[int, Any]]:
        """Take what waits, as a worker does."""
        return await (await self.conn.execute(READ, (queue,))).fetchall()

    async def work(self, embedder: Embedder = EMBEDDER) -> None:
        """Do all that waits, as the three services would."""
        jobs = await self.take("memory_ingestion")
        parsed = [INGESTION.validate_python(body) for _, body in jobs]
        outcome = await ingest(parsed, pool=self.pool, embedder=embedder, driver=self.driver)
        await self.archive("memory_ingestion", jobs)
        for reply in (*outcome.detections, *outcome.summaries):
            assert reply.queue
            body = reply.body.model_dump_json()
            await self.conn.execute("SELECT pgmq.send(%s, %s::jsonb)", (reply.queue, body))
        await self.work_on_replies()

    async def work_on_replies(self) -> None:
        for _, body in (detections := await self.take("pattern_detection")):
            job = DetectPatterns.model_validate(body)
            await detect_patterns(job, driver=self.driver, embedder=EMBEDDER)
        await self.archive("pattern_detection", detections)
        for _, body in (summaries := await self.take("summary_generation")):
            job = SummarizeProject.model_validate(body)
            await summarize_project(
                job, pool=self.pool, summariser=ExtractiveSummariser(), debounce_seconds=0
            )
        await self.archive("summary_generation", summaries)

    async def archive(self, queue: str, jobs: Sequence[tuple[int, Any]]) -> None:
        for msg_id, _ in jobs:
            await self.conn.execute("SELECT pgmq.archive(%s, %s)", (queue, msg_id))

    async def erase(self, deletion_id: str) -> int:
        """Make passes until the deletion is done; return how many."""
        job = DeleteData(deletion_id=UUID(deletion_id), workspace_id=self.workspace)
        for passes in range(1, 10):
            if await self.delete_once(job) is None:
                return passes
        raise AssertionError("it does not end")

    async def delete_once(self, job: DeleteData) -> float | None:
        return await delete_data(job, pool=self.pool, driver=self.driver, embedder=EMBEDDER)

    async def fill_every_place(self) -> set[str]:
        """Plant a node of each label that is missing; return the tables that hold nothing."""
        places = {one.split(":")[0] for one in await self.search(self.workspace)}
        labels = [row["label"] for row in (await self.driver.execute_query(OWNED_LABELS)).records]
        for label in {*labels} - places:
            await self.driver.execute_query(PLANT, label=label, workspace=self.workspace)
        tables = await (await self.conn.execute(OWNED_TABLES)).fetchall()
        return {table for (table,) in tables} - places

    async def search(self, *words: str) -> list[str]:
        """Return every table, label and relationship that holds one of the words."""
        found: list[str] = []
        for schema, table in await (await self.conn.execute(TABLES)).fetchall():
            statement = SQL(FIND_ROWS).format(Identifier(schema, table))
            rows = await (await self.conn.execute(statement, ([*words],))).fetchall()
            found += [f"{schema}.{table}: {word}" for (word,) in rows]
        for cypher in (FIND_NODES, FIND_LINKS):
            records = (await self.driver.execute_query(cypher, words=[*words])).records
            found += [f"{row['place']}: {row['word']}" for row in records]
        return found


async def fill(
    world: World, http: httpx.AsyncClient, word: str, *, project: str, sessions: str = ""
) -> list[str]:
    """Send memories and a file with a word wherever it fits; return the ids they have."""
    morning = datetime.now(UTC).replace(hour=0, minute=0) - timedelta(days=1)
    chunks = [
        {
            "chunkId": f"{word}:{sessions}{n}",
            "content": f"Fixed the {word} error: the parser crashed. We decided on {word} instead.",
            "metadata": {"startTime": (morning + timedelta(minutes=n)).isoformat(), word: word},
        }
        for n in range(7)
    ]
    sent = await http.post(
        "/api/ingest/memory",
        headers={"Idempotency-Key": f"import-{word}"[::-1]},
        json={"chunks": chunks, "projectName": project, "sessionId": f"{word}-session"},
    )
    assert sent.status_code == 202, sent.text
    code = f"class {word}:\n    def parse_{word}(self): ...\n"
    filed = await http.post(
        "/api/ingest/code",
        json={"projectName": project, "files": [{"path": f"{word}.py", "content": code}]},
    )
    assert filed.status_code == 202, filed.text
    answers = [sent.json(), filed.json()]
    ids = [one["id"] for answer in answers for one in answer["results"]]
    await world.work()
    return [*ids, *(answer["jobId"] for answer in answers)]


async def leave_traces(world: World, word: str, user_id: UUID, *, named: str, job_id: str) -> None:
    """Leave the word in a dead letter, an archived one, a span, a reply's trace and the audit."""
    body = f"""{{"type": "memory", "workspace_id": "{world.workspace}", "user_id": "{user_id}",
        "memory_id": "{user_id}", "content": "{word}", "metadata": {{"projectName": "{word}"}}}}"""
    headers = f"""{{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "dead_letter": {{"error": "ValueError", "message": "{word}"}}}}"""
    dead, spans = "memory_ingestion_dlq", "0af7651916cd43dd8448eb211c80319c"
    for _ in range(2):
        await world.conn.execute(
            "SELECT pgmq.send(%s, %s::jsonb, %s::jsonb)", (dead, body, headers)
        )
    await world.conn.execute(
        "SELECT pgmq.archive(%s, (SELECT min(msg_id) FROM pgmq.q_memory_ingestion_dlq))", (dead,)
    )
    told: dict[str, dict[str, str]] = {
        spans: {"project": word},
        "1" * 32: {"name": named},
        "2" * 32: {JOB: job_id},
    }
    given: list[dict[str, Any]] = [
        {"trace_id": trace, "span_id": "1", "service": "api", "name": "x", "kind": "server",
         "status": "ok", "started_at": "2026-01-05T12:00:00Z", "duration_ms": 1, "links": [],
         "attributes": attributes, "workspace_id": world.workspace}
        for trace, attributes in told.items()
    ]  # fmt: skip
    await world.conn.execute("SELECT save_spans(%s)", (Jsonb(given),))
    await world.conn.execute(
        "INSERT INTO search_counts VALUES (%s, now(), gen_random_uuid(), %s, 1)",
        (world.workspace, user_id),
    )
    await world.conn.execute(
        """INSERT INTO audit_log (workspace_id, key_name, user_id, action, target, filter, reason)
           VALUES (%s, 'k', gen_random_uuid(), 'x.y', 'z', %s, %s)""",
        (world.workspace, f'{{"project": "{named}"}}', f"because of {named}"),
    )
    await world.conn.execute(
        """INSERT INTO operations (workspace_id, kind, queue, filter, total, reason, requested_by,
                                   key_id, state)
           VALUES (%s, 'redrive', 'q', %s, 1, %s, 'k', gen_random_uuid(), 'done')""",
        (world.workspace, f'{{"contains": "{named}"}}', f"because of {named}"),
    )
