"""API keys: who calls, and for which workspace. Only a hash of each key is stored."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from typing import Final, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row

KEY_PREFIX: Final = "sst_"
KEY_BYTES: Final = 32
"""Encoded as 43 URL-safe characters."""
RECOGNISABLE_CHARACTERS: Final = len(KEY_PREFIX) + 6
ALL_SCOPES: Final = ("ingest", "read", "operate")

CREATE_KEY: Final[LiteralString] = """
INSERT INTO api_keys (workspace_id, user_id, name, prefix, key_hash, scopes)
VALUES (%(workspace_id)s, %(user_id)s, %(name)s, %(prefix)s, %(key_hash)s, %(scopes)s)
"""
FIND_KEY: Final[LiteralString] = """
SELECT id, workspace_id, user_id, name, prefix, key_hash, scopes,
       created_at, last_used_at, revoked_at
FROM api_keys
WHERE key_hash = %(key_hash)s AND revoked_at IS NULL
"""
# At most once a minute, so that a busy key costs no write a request.
TOUCH_KEY: Final[LiteralString] = """
UPDATE api_keys SET last_used_at = now()
WHERE id = %(id)s AND workspace_id = %(workspace_id)s
  AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
"""
REVOKE_KEY: Final[LiteralString] = """
UPDATE api_keys SET revoked_at = now()
WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND revoked_at IS NULL
"""
LIST_KEYS: Final[LiteralString] = """
SELECT id, workspace_id, user_id, name, prefix, key_hash, scopes,
       created_at, last_used_at, revoked_at
FROM api_keys
WHERE workspace_id = %(workspace_id)s
ORDER BY created_at DESC, id
"""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is stored; `prefix` is what a person recognises it by."""

    id: UUID
    workspace_id: str
    user_id: UUID
    name: str
    prefix: str
    key_hash: bytes
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def hash_key(key: str) -> bytes:
    """Return what is stored of a key; 256 random bits need no salt."""
    return sha256(key.encode("utf-8", "surrogatepass")).digest()


async def create_key(
    conn: AsyncConnection[TupleRow],
    *,
    workspace_id: str,
    user_id: UUID,
    name: str,
    scopes: tuple[str, ...] = ALL_SCOPES,
) -> str:
    """Return a new key; it cannot be read again."""
    key = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    await conn.execute(
        CREATE_KEY,
        {
            "workspace_id": workspace_id,
            "user_id": user_id,
            "name": name,
            "prefix": key[:RECOGNISABLE_CHARACTERS],
            "key_hash": hash_key(key),
            "scopes": list(scopes),
        },
    )
    return key


async def find_key(conn: AsyncConnection[TupleRow], key: str) -> ApiKey | None:
    """Return the key's row when it is valid."""
    key_hash = hash_key(key)
    async with conn.cursor(row_factory=class_row(ApiKey)) as cursor:
        await cursor.execute(FIND_KEY, {"key_hash": key_hash})
        found = await cursor.fetchone()
    if found is None or not compare_digest(found.key_hash, key_hash):
        return None
    return found


async def touch_key(conn: AsyncConnection[TupleRow], key: ApiKey) -> None:
    """Note that the key is in use; writes at most once a minute."""
    await conn.execute(TOUCH_KEY, {"id": key.id, "workspace_id": key.workspace_id})


async def revoke_key(conn: AsyncConnection[TupleRow], workspace_id: str, key_id: UUID) -> bool:
    """Return whether a valid key was revoked; an API process may take it for some seconds yet."""
    done = await conn.execute(REVOKE_KEY, {"workspace_id": workspace_id, "id": key_id})
    return done.rowcount == 1


async def list_keys(conn: AsyncConnection[TupleRow], workspace_id: str) -> list[ApiKey]:
    """Return the workspace's keys, newest first, revoked ones too."""
    async with conn.cursor(row_factory=class_row(ApiKey)) as cursor:
        await cursor.execute(LIST_KEYS, {"workspace_id": workspace_id})
        return await cursor.fetchall()
