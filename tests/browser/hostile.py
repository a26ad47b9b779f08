"""A workspace in which everything that somebody may write is an attack on whoever looks at it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from shared.postgres.api_keys import create_key

CORPUS = (
    "<script data-pwned>window.pwned=1</script>",
    "<img data-pwned src=x onerror=window.pwned=1>",
    '"><svg data-pwned onload=window.pwned=1>',
    "' autofocus onfocus=window.pwned=1 data-pwned='",
    '" hx-get="/dashboard/pwned" hx-trigger="load" data-pwned="',
    "</textarea></title></style></script><b data-pwned>",
    "javascript:window.pwned=1//",
    "{{ 7*7 }}${7*7}{% raw %}",
    "<!--<a data-pwned href=javascript:window.pwned=1>",
    "<form data-pwned action=https://attacker.example><button>x",
    "<iframe data-pwned srcdoc='<script>parent.pwned=1</script>'>",
    "\u202eexe.\u0007\u001b[31m<base data-pwned href=//attacker.example>",
)
ALL = " ".join(CORPUS)
TRACE = f"{0xBAD:032x}"
GRAPH = """
CREATE (p:Pattern {id: $id, workspace_id: $workspace, type: 'debugging', name: $bad,
        project_name: $bad, period: $bad, period_type: 'week', confidence: 0.9,
        frequency: 3, first_detected: $at, last_validated: $at, last_updated: $at, metadata: $json})
CREATE (m:Memory {id: $memory, workspace_id: $workspace, chunk_id: $bad, content: $bad,
        project_name: $bad, session_id: $bad, occurred_at: $at, metadata: $json})
CREATE (e:EntitySummary {id: $memory, workspace_id: $workspace, content: $bad, project_name: $bad,
        session_id: $bad, occurred_at: $at})
CREATE (p)-[:DERIVED_FROM]->(m)
"""


async def fill(conn: AsyncConnection[TupleRow], driver: AsyncDriver, workspace: str) -> str:
    """Write the attacks into every store; return a key that may read and operate."""
    now = datetime.now(UTC)
    key = await create_key(
        conn, workspace_id=workspace, user_id=uuid4(), name=ALL[:200], scopes=("read", "operate")
    )
    memory = await _save_rows(conn, workspace, now)
    await _send_letters(conn, workspace)
    await conn.execute("SELECT save_spans(%s)", (Jsonb(_spans(workspace, now)),))
    await driver.execute_query(
        GRAPH,
        id=str(uuid4()),
        memory=str(memory),
        workspace=workspace,
        bad=ALL,
        at=now,
        json='{"note": "<b data-pwned>"}',
    )
    return key


async def _save_rows(conn: AsyncConnection[TupleRow], workspace: str, now: datetime) -> Any:
    row = await (
        await conn.execute(
            "INSERT INTO memories (workspace_id, user_id, chunk_id, session_id, project_name,"
            " content, metadata, content_hash, occurred_at)"
            " VALUES (%s, gen_random_uuid(), %s, %s, %s, %s, %s, '', %s) RETURNING id",
            (workspace, ALL[:500], ALL[:500], ALL[:200], ALL, Jsonb({ALL: ALL}), now),
        )
    ).fetchone()
    await conn.execute(
        "INSERT INTO project_summaries (workspace_id, project_name, summary, model,"
        " memories_included, last_memory_timestamp) VALUES (%s, %s, %s, %s, 1, %s)",
        (workspace, ALL[:200], f"# {ALL}\n\n[link](javascript:window.pwned=1)", ALL, now),
    )
    await conn.execute(
        "INSERT INTO jobs (id, workspace_id, user_id, kind, submitted)"
        " VALUES (%s, %s, gen_random_uuid(), %s, 2)",
        (uuid4(), workspace, ALL[:100]),
    )
    assert row is not None
    return row[0]


async def _send_letters(conn: AsyncConnection[TupleRow], workspace: str) -> None:
    report = {
        "error": ALL,
        "message": ALL,
        "traceback": f'Traceback:\n  File "{ALL}", line 1, in {ALL}\n{ALL}: {ALL}',
        "queue": "memory_ingestion",
        "msg_id": 1,
        "attempts": 5,
        "release": ALL,
    }
    headers = {"group": workspace, "correlation_id": ALL, "last_error": ALL, ALL: ALL}
    message = {"workspace_id": workspace, "content": ALL, ALL: [ALL]}
    for queue, more in (
        ("q_memory_ingestion", {}),
        ("q_memory_ingestion_dlq", {"dead_letter": report}),
    ):
        await conn.execute(
            f"INSERT INTO pgmq.{queue} (vt, message, headers) VALUES (now(), %s, %s)",  # pyright: ignore[reportArgumentType, reportCallIssue]  # of the tuple above
            (Jsonb(message), Jsonb({**headers, **more})),
        )


def _spans(workspace: str, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "trace_id": TRACE,
            "span_id": f"{number:016x}",
            "parent_span_id": f"{number - 1:016x}" if number > 1 else None,
            "service": payload,
            "name": payload,
            "kind": payload,
            "status": "error",
            "started_at": (now + timedelta(milliseconds=number)).isoformat(),
            "duration_ms": 20,
            "attributes": {
                payload: payload,
                "error.type": payload,
                "messaging.message.id": payload,
            },
            "links": [{"trace_id": payload, "span_id": payload}],
            "workspace_id": workspace,
        }
        for number, payload in enumerate(CORPUS, start=1)
    ]
