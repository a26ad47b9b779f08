"""Requests that run once: their answers, kept for a day by the key that the client chose."""

from __future__ import annotations

from itertools import count
from typing import Final, LiteralString, NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb
from pydantic import JsonValue

CLAIMS_BETWEEN_SWEEPS: Final = 16
"""In each process: what is old does not count any more, and need not go at once."""
# Of the caller's workspace, where row-level security holds; more than came since the last sweep.
FORGET_OLD: Final[LiteralString] = """
DELETE FROM idempotent_requests
WHERE (workspace_id, key) IN (
    SELECT workspace_id, key FROM idempotent_requests
    WHERE created_at < now() - interval '1 day'
    LIMIT 160 FOR UPDATE SKIP LOCKED
)
"""
# Waits for a request with the same key that is still running.
CLAIM: Final[LiteralString] = """
INSERT INTO idempotent_requests AS earlier (workspace_id, key, fingerprint)
VALUES (%(workspace_id)s, %(key)s, %(fingerprint)s)
ON CONFLICT (workspace_id, key) DO UPDATE
SET fingerprint = excluded.fingerprint, answer = NULL, created_at = excluded.created_at
WHERE earlier.created_at < now() - interval '1 day'
"""
FIND: Final[LiteralString] = """
SELECT fingerprint, answer FROM idempotent_requests
WHERE workspace_id = %(workspace_id)s AND key = %(key)s
"""
SAVE_ANSWER: Final[LiteralString] = """
UPDATE idempotent_requests SET answer = %(answer)s
WHERE workspace_id = %(workspace_id)s AND key = %(key)s
"""

_claims: Final = count()


class EarlierRequest(NamedTuple):
    """What was asked with this key before, and answered."""

    fingerprint: bytes
    answer: JsonValue


async def claim_key(
    conn: AsyncConnection[TupleRow], workspace_id: str, key: str, fingerprint: bytes
) -> EarlierRequest | None:
    """Return the request that had this key before; None makes this transaction the first."""
    values = {"workspace_id": workspace_id, "key": key, "fingerprint": fingerprint}
    if next(_claims) % CLAIMS_BETWEEN_SWEEPS == 0:
        await conn.execute(FORGET_OLD)
    if (await conn.execute(CLAIM, values)).rowcount:
        return None
    row = await (await conn.execute(FIND, values)).fetchone()
    if row is None:  # it became a day old in this moment, and another request swept it away
        return await claim_key(conn, workspace_id, key, fingerprint)
    return EarlierRequest(bytes(row[0]), row[1])


async def save_answer(
    conn: AsyncConnection[TupleRow], workspace_id: str, key: str, answer: JsonValue
) -> None:
    """Keep the answer; belongs in the transaction of `claim_key`."""
    values = {"workspace_id": workspace_id, "key": key, "answer": Jsonb(answer)}
    await conn.execute(SAVE_ANSWER, values)
