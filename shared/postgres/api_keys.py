"""API keys: who calls, and for which workspace. Only a hash of each key is stored."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Final, Literal, LiteralString, TypeAlias, get_args
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row

KEY_PREFIX: Final = "sst_"
KEY_BYTES: Final = 32
"""Encoded as 43 URL-safe characters."""
RECOGNISABLE_CHARACTERS: Final = len(KEY_PREFIX) + 6
Scope: TypeAlias = Literal["ingest", "read", "operate", "admin"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
DEFAULT_SCOPES: Final[tuple[Scope, ...]] = ("ingest", "read", "operate")
"""What a client needs; `admin` manages keys and deletes data, and is given on purpose."""

_COLUMNS: Final[LiteralString] = """
id, workspace_id, user_id, name, prefix, key_hash, scopes, requests_per_minute, replaces,
created_at, last_used_at, expires_at, revoked_at
"""
CREATE_KEY: Final[LiteralString] = f"""
INSERT INTO api_keys (workspace_id, user_id, name, prefix, key_hash, scopes, requests_per_minute,
                      expires_at, replaces)
VALUES (%(workspace_id)s, %(user_id)s, %(name)s, %(prefix)s, %(key_hash)s, %(scopes)s,
        %(requests_per_minute)s, now() + %(lifetime)s, %(replaces)s)
RETURNING {_COLUMNS}
"""
FIND_KEY: Final[LiteralString] = f"""
SELECT {_COLUMNS}
FROM find_api_key(%(key_hash)s)
"""
FIND_KEY_BY_ID: Final[LiteralString] = f"""
SELECT {_COLUMNS}
FROM api_keys
WHERE workspace_id = %(workspace_id)s AND id = %(id)s
  AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
"""
TOUCH_KEY: Final[LiteralString] = "SELECT touch_api_key(%(key_hash)s)"
REVOKE_KEY: Final[LiteralString] = """
UPDATE api_keys SET revoked_at = now()
WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND revoked_at IS NULL
"""
# Locked, so that two rotations of one key make one new key each time they are asked, one by one.
GET_VALID_KEY: Final[LiteralString] = f"""
SELECT {_COLUMNS}
FROM api_keys
WHERE workspace_id = %(workspace_id)s AND id = %(id)s
  AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
FOR UPDATE
"""
END_KEY: Final[LiteralString] = """
UPDATE api_keys SET expires_at = least(expires_at, now() + %(grace)s)
WHERE workspace_id = %(workspace_id)s AND id = %(id)s
"""
LIST_KEYS: Final[LiteralString] = f"""
SELECT {_COLUMNS}
FROM api_keys
WHERE workspace_id = %(workspace_id)s
  AND (%(after_at)s::timestamptz IS NULL
       OR (created_at <= %(after_at)s AND (created_at < %(after_at)s OR id > %(after_id)s)))
ORDER BY created_at DESC, id
LIMIT %(limit)s
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
    requests_per_minute: int | None
    """None for the API's setting."""
    replaces: UUID | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None

    @property
    def state(self) -> Literal["valid", "expired", "revoked"]:
        """Whether the API takes it."""
        if self.revoked_at is not None:
            return "revoked"
        is_over = self.expires_at is not None and self.expires_at <= datetime.now(UTC)
        return "expired" if is_over else "valid"


def hash_key(key: str) -> bytes:
    """Return what is stored of a key; 256 random bits need no salt."""
    return sha256(key.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key; its text cannot be read again."""

    text: str
    row: ApiKey


async def create_key(
    conn: AsyncConnection[TupleRow],
    *,
    workspace_id: str,
    user_id: UUID,
    name: str,
    scopes: Sequence[str] = DEFAULT_SCOPES,
    requests_per_minute: int | None = None,
    lifetime: timedelta | None = None,
) -> str:
    """Return the text of a new key, as `issue_key` makes it."""
    issued = await issue_key(
        conn,
        workspace_id=workspace_id,
        user_id=user_id,
        name=name,
        scopes=scopes,
        requests_per_minute=requests_per_minute,
        lifetime=lifetime,
    )
    return issued.text


async def issue_key(
    conn: AsyncConnection[TupleRow],
    *,
    workspace_id: str,
    user_id: UUID,
    name: str,
    scopes: Sequence[str],
    requests_per_minute: int | None,
    lifetime: timedelta | None,
    replaces: UUID | None = None,
) -> IssuedKey:
    """Return a new key. Without a lifetime it never ends."""
    text = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    values = {
        "workspace_id": workspace_id,
        "user_id": user_id,
        "name": name,
        "prefix": text[:RECOGNISABLE_CHARACTERS],
        "key_hash": hash_key(text),
        "scopes": list(dict.fromkeys(scopes)),
        "requests_per_minute": requests_per_minute,
        "lifetime": lifetime,
        "replaces": replaces,
    }
    async with conn.cursor(row_factory=class_row(ApiKey)) as cursor:
        await cursor.execute(CREATE_KEY, values)
        row = await cursor.fetchone()
    assert row is not None  # an INSERT returns its row
    return IssuedKey(text, row)


async def rotate_key(
    conn: AsyncConnection[TupleRow], workspace_id: str, key_id: UUID, *, grace: timedelta
) -> IssuedKey | None:
    """Return a new key with the rights of a valid one, which ends after `grace`.

    None where the workspace has no such valid key. Nothing is changed halfway.
    """
    wanted = {"workspace_id": workspace_id, "id": key_id}
    async with conn.transaction(), conn.cursor(row_factory=class_row(ApiKey)) as cursor:
        await cursor.execute(GET_VALID_KEY, wanted)
        old = await cursor.fetchone()
        if old is None:
            return None
        await cursor.execute(END_KEY, {**wanted, "grace": grace})
        return await issue_key(
            conn,
            workspace_id=workspace_id,
            user_id=old.user_id,
            name=old.name,
            scopes=old.scopes,
            requests_per_minute=old.requests_per_minute,
            lifetime=old.expires_at - old.created_at if old.expires_at else None,
            replaces=old.id,
        )


async def find_key(conn: AsyncConnection[TupleRow], key: str) -> ApiKey | None:
    """Return the key's row when it is valid."""
    return await find_key_by_hash(conn, hash_key(key))


async def find_key_by_hash(conn: AsyncConnection[TupleRow], key_hash: bytes) -> ApiKey | None:
    """Return the row of the valid key with this hash."""
    async with conn.cursor(row_factory=class_row(ApiKey)) as cursor:
        await cursor.execute(FIND_KEY, {"key_hash": key_hash})
        found = await cursor.fetchone()
    if found is None or not compare_digest(found.key_hash, key_hash):
        return None
    return found


async def find_key_by_id(
    conn: AsyncConnection[TupleRow], workspace_id: str, key_id: UUID
) -> ApiKey | None:
    """Return the row of a workspace's key when it is valid."""
    async with conn.cursor(row_factory=class_row(ApiKey)) as cursor:
        await cursor.execute(FIND_KEY_BY_ID, {"workspace_id": workspace_id, "id": key_id})
        return await cursor.fetchone()


async def touch_key(conn: AsyncConnection[TupleRow], key: ApiKey) -> None:
    """Note that the key is in use; writes at most once a minute."""
    await conn.execute(TOUCH_KEY, {"key_hash": key.key_hash})


async def revoke_key(conn: AsyncConnection[TupleRow], workspace_id: str, key_id: UUID) -> bool:
    """Return whether a valid key was revoked; an API process may take it for some seconds yet."""
    done = await conn.execute(REVOKE_KEY, {"workspace_id": workspace_id, "id": key_id})
    return done.rowcount == 1


async def list_keys(
    conn: AsyncConnection[TupleRow],
    workspace_id: str,
    *,
    limit: int | None = None,
    after: tuple[datetime, UUID] | None = None,
) -> list[ApiKey]:
    """Return the workspace's keys, newest first, revoked ones too; without a limit, all."""
    at, key_id = after or (None, None)
    page = {"workspace_id": workspace_id, "limit": limit, "after_at": at, "after_id": key_id}
    async with conn.cursor(row_factory=class_row(ApiKey)) as cursor:
        await cursor.execute(LIST_KEYS, page)
        return await cursor.fetchall()
