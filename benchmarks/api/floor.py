"""The floor: the bare transaction that writes the same rows and messages, with all at hand.

No HTTP, no check, no redaction: values are made before the clock starts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, LiteralString, Self
from uuid import UUID, uuid4

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from benchmarks.api.requests import STARTED
from shared.messages import JOB_ID_HEADER, MEMORY_INGESTION

SAVE: Final[LiteralString] = """
INSERT INTO memories (id, workspace_id, user_id, chunk_id, session_id, project_name, content,
                      metadata, content_hash, occurred_at)
SELECT id, %(workspace_id)s, %(user_id)s, chunk_id, 'session', 'shop', content, metadata, hash,
       %(occurred_at)s::timestamptz
FROM unnest(%(ids)b::uuid[], %(chunk_ids)b::text[], %(contents)b::text[], %(metadata)s::jsonb[],
            %(hashes)b::bytea[]) AS sent (id, chunk_id, content, metadata, hash)
"""
NOTE_JOB: Final[LiteralString] = """
INSERT INTO jobs (id, workspace_id, user_id, kind, submitted)
VALUES (%(job_id)s, %(workspace_id)s, %(user_id)s, 'memory', %(number)s)
"""
SEND: Final[LiteralString] = """
SELECT pgmq.send_batch(%(queue)s, %(messages)s::jsonb[], %(headers)s::jsonb[])
"""


@dataclass(frozen=True, slots=True)
class Ready:
    """The values of one transaction."""

    values: dict[str, Any]

    @classmethod
    def of(cls, workspace_id: str, user_id: UUID, some: list[dict[str, Any]]) -> Self:
        """Return everything that the statements need."""
        ids, job_id = [uuid4() for _ in some], uuid4()
        headers = {JOB_ID_HEADER: str(job_id), "group": workspace_id}
        messages = [
            {
                "type": "memory", "memory_id": str(memory_id), "user_id": str(user_id),
                "workspace_id": workspace_id, "content": chunk["content"],
                "metadata": chunk["metadata"],
            }
            for memory_id, chunk in zip(ids, some, strict=True)
        ]  # fmt: skip
        return cls(
            {
                "workspace_id": workspace_id,
                "user_id": user_id,
                "occurred_at": STARTED,
                "ids": ids,
                "chunk_ids": [chunk["chunkId"] for chunk in some],
                "contents": [chunk["content"] for chunk in some],
                "metadata": [json.dumps(chunk["metadata"]) for chunk in some],
                "hashes": [sha256(chunk["content"].encode()).digest() for chunk in some],
                "job_id": job_id,
                "number": len(some),
                "queue": MEMORY_INGESTION,
                "messages": [json.dumps(message) for message in messages],
                "headers": [json.dumps(headers)] * len(some),
            }
        )


async def write(conn: AsyncConnection[TupleRow], ready: Ready) -> None:
    """Write rows, job and messages in one transaction."""
    async with conn.transaction():
        for statement in (SAVE, NOTE_JOB, SEND):
            await conn.execute(statement, ready.values, prepare=True)
