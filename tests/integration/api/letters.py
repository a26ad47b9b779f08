"""Files dead letters as the broker does."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, LiteralString
from uuid import uuid4

import httpx
from fastapi import FastAPI
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.postgres.api_keys import create_key
from tests.integration.api.conftest import Client

Conn = AsyncConnection[TupleRow]
TRACEBACK: Final = """Traceback (most recent call last):
  File "/app/.venv/lib/python3.12/site-packages/services/ingest/handlers.py", line 31, in ingest
    await save(batch)
  File "/app/.venv/lib/python3.12/site-packages/neo4j/work/result.py", line 12, in consume
    raise error
"""
FILE: Final[LiteralString] = """
INSERT INTO pgmq.q_{queue}_dlq (vt, enqueued_at, message, headers)
SELECT now(), now() - n * %(apart)s::interval - %(ago)s::interval, %(message)s::jsonb,
       jsonb_strip_nulls(
           jsonb_build_object('group', %(workspace)s::text, 'job_id', %(job_id)s::text))
       || %(headers)s::jsonb || jsonb_build_object('dead_letter', %(report)s::jsonb)
FROM generate_series(1, %(count)s) AS n
RETURNING msg_id
"""


async def file_letters(
    conn: Conn,
    workspace: str,
    count: int = 1,
    *,
    queue: LiteralString = "memory_ingestion",
    error: str = "ValueError",
    message: str = "odd number 17",
    traceback: str = TRACEBACK,
    payload: Any = None,
    headers: Mapping[str, Any] | None = None,
    job_id: str | None = None,
    ago: str = "0",
    apart: str = "1 millisecond",
    **report: Any,
) -> list[int]:
    """Return the ids of new dead letters, the newest first."""
    told = {"error": error, "message": message, "traceback": traceback, "attempts": 5, **report}
    cursor = await conn.execute(
        FILE.format(queue=queue),
        {
            "workspace": workspace,
            "count": count,
            "message": json.dumps({"text": "x"} if payload is None else payload),
            "headers": json.dumps(headers or {}),
            "report": json.dumps(told),
            "job_id": job_id,
            "ago": ago,
            "apart": apart,
        },
    )
    return [row[0] for row in await cursor.fetchall()]


async def count_letters(conn: Conn, queue: LiteralString = "memory_ingestion") -> tuple[int, int]:
    """Return how many wait in the queue, and how many are dead."""
    row = await (
        await conn.execute(
            f"SELECT (SELECT count(*) FROM pgmq.q_{queue}),"
            f" (SELECT count(*) FROM pgmq.q_{queue}_dlq)"
        )
    ).fetchone()
    assert row is not None
    return row[0], row[1]


@asynccontextmanager
async def client_with(
    app: FastAPI, conn: Conn, workspace_id: str, *scopes: str
) -> AsyncGenerator[Client]:
    """Somebody with a key for these scopes alone."""
    user_id = uuid4()
    key = await create_key(
        conn, workspace_id=workspace_id, user_id=user_id, name="-".join(scopes), scopes=scopes
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://api.test",
        headers={"Authorization": f"Bearer {key}"},
    ) as http:
        yield Client(http, key, workspace_id, user_id)
