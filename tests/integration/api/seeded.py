"""A workspace that holds one of everything that a route may be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import uuid4

import httpx
from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from tests.integration.api.letters import file_letters
from tests.integration.patterns.pattern_builders import detect, memory, save

Conn = AsyncConnection[TupleRow]
PROJECT, CHUNK, FILE = "shop", "seeded-1", "shop/cart.py"
SUMMARY = """
INSERT INTO project_summaries (workspace_id, project_name, summary, model, memories_included,
                               first_memory_timestamp, last_memory_timestamp)
VALUES (%s, %s, 'It sells.', 'extractive', 1, now(), now())
"""
INGESTED: LiteralString = """
CREATE (m:Memory {id: $memory, chunk_id: $chunk, session_id: 's', type: 'conversation'})
CREATE (c:CodeEntity {id: $code, path: $path, language: 'python'})
SET m += $both, c += $both
FOREACH (n IN [m, c] | SET n.occurred_at = datetime(), n.created_at = datetime(),
                           n.updated_at = datetime())
"""


@dataclass(frozen=True)
class Seeded:
    """The ids of what is there."""

    job: str
    message: int
    memory: str
    code: str
    letter: int
    spare_letter: int
    pattern: str
    trace: str
    operation: str
    deletion: str
    key: str

    @property
    def names(self) -> dict[str, str]:
        """What stands for each parameter of a path."""
        ids = {
            "job_id": self.job,
            "message_id": self.message,
            "memory_id": self.memory,
            "code_id": self.code,
            "node_id": self.memory,
            "entity_id": self.memory,
            "letter_id": self.letter,
            "pattern_id": self.pattern,
            "trace_id": self.trace,
            "operation_id": self.operation,
            "deletion_id": self.deletion,
            "key_id": self.key,
            "chunk_id": CHUNK,
            "queue": "memory_ingestion",
            "place": "queue",
        }
        return {name: str(value) for name, value in ids.items()}


async def seed(http: httpx.AsyncClient, conn: Conn, driver: AsyncDriver, workspace: str) -> Seeded:
    """Fill the workspace of a client that may do everything."""
    chunks = [{"chunkId": CHUNK, "content": "Fixed the cart"}]
    sent = await ask(http, "POST", "/api/ingest/memory", chunks=chunks, projectName=PROJECT)
    files = [{"path": FILE, "content": "def total(): ..."}]
    code = await ask(http, "POST", "/api/ingest/code", files=files, projectName=PROJECT)
    memory_id, code_id = sent["results"][0]["id"], code["results"][0]["id"]
    await ingest(driver, workspace, memory_id, code_id)
    await conn.execute(SUMMARY, (workspace, PROJECT))
    kept, spare = await file_letters(conn, workspace, 2, job_id=sent["jobId"])
    redriven = await file_letters(conn, workspace, 3)
    return Seeded(
        job=sent["jobId"],
        message=await find_message(conn, sent["jobId"]),
        memory=memory_id,
        code=code_id,
        letter=kept,
        spare_letter=spare,
        pattern=await find_pattern(http, driver, workspace),
        trace=await save_trace(conn, workspace),
        operation=await start_redrive(http, *redriven),
        deletion=(await delete_somebody(http))["id"],
        key=(await ask(http, "POST", "/api/keys", name="seeded"))["details"]["id"],
    )


async def ask(http: httpx.AsyncClient, method: str, path: str, **body: Any) -> Any:
    answer = await http.request(method, path, json=body)
    assert answer.is_success, (method, path, answer.text)
    return answer.json()


async def ingest(driver: AsyncDriver, workspace: str, memory_id: str, code_id: str) -> None:
    """Let the graph know a memory and a file."""
    both = {
        "workspace_id": workspace,
        "user_id": str(uuid4()),
        "project_name": PROJECT,
        "content": "Fixed the cart",
        "metadata": "{}",
    }
    await driver.execute_query(
        INGESTED, memory=memory_id, chunk=CHUNK, code=code_id, path=FILE, both=both
    )


async def find_message(conn: Conn, job_id: str) -> int:
    statement = "SELECT msg_id FROM pgmq.q_memory_ingestion WHERE headers->>'job_id' = %s"
    row = await (await conn.execute(statement, (job_id,))).fetchone()
    assert row is not None
    return int(row[0])


async def find_pattern(http: httpx.AsyncClient, driver: AsyncDriver, workspace: str) -> str:
    """Write a day of debugging into the graph, and return the pattern that is found in it."""
    day = (datetime.now(UTC) - timedelta(days=7)).replace(hour=9)
    memories = [
        memory(workspace, f"{PROJECT}{n}", at=day + timedelta(minutes=n), project=PROJECT)
        for n in range(6)
    ]
    await save(driver, *memories)
    await detect(driver, workspace, ["debugging"])
    return (await http.get("/api/patterns")).json()["patterns"][0]["id"]


async def save_trace(conn: Conn, workspace: str, **attributes: str) -> str:
    """Store a span, whose id is the first half of its trace's."""
    trace_id = uuid4().hex
    span: dict[str, Any] = {
        "trace_id": trace_id,
        "span_id": trace_id[:16],
        "service": "supastate-ingest",
        "name": "process memory_ingestion",
        "kind": "consumer",
        "status": "unset",
        "started_at": datetime.now(UTC).isoformat(),
        "duration_ms": 1.0,
        "attributes": attributes,
        "links": [],
        "workspace_id": workspace,
    }
    await conn.execute("SELECT save_spans(%s)", (Jsonb([span]),))
    return trace_id


async def start_redrive(http: httpx.AsyncClient, *letters: int) -> str:
    """Start a redrive so slow that it is not done while a test runs."""
    wanted = {"queue": "memory_ingestion", "ids": letters, "reason": "mended", "rate": 0.001}
    return (await ask(http, "POST", "/api/dead-letters/redrive", **wanted))["id"]


async def delete_somebody(http: httpx.AsyncClient) -> Any:
    person = str(uuid4())
    return await ask(http, "DELETE", "/api/data", userId=person, confirm=person)
