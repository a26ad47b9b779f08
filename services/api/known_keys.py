"""Remembers valid API keys for some seconds, so that a busy key costs no query a request."""

from __future__ import annotations

import time
from typing import Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from shared.postgres.api_keys import (
    ApiKey,
    find_key_by_hash,
    find_key_by_id,
    hash_key,
    touch_key,
)
from shared.postgres.workspaces import show_workspaces

KNOWN_SECONDS: Final = 3.0
"""A revoked key works at most this much longer, in each process."""
LOOK_UP_SECONDS: Final = 5.0
MOST_KNOWN: Final = 10_000


class KnownKeys:
    """Valid keys by their hash or id; the keys themselves are not kept."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[TupleRow]]) -> None:
        self._pool = pool
        self._known: dict[bytes | UUID, tuple[ApiKey, float]] = {}

    async def find(self, key: str) -> ApiKey | None:
        """Return the valid key, from memory or from Postgres."""
        return await self.find_hash(hash_key(key))

    async def find_hash(self, key_hash: bytes) -> ApiKey | None:
        """Return the valid key with this hash: whoever was let in by it, may still come in?"""
        known, until = self._known.get(key_hash, (None, 0.0))
        if known is not None and time.monotonic() < until:
            return known
        return await self._look_up(key_hash)

    async def find_by_id(self, workspace_id: str, key_id: UUID) -> ApiKey | None:
        """Return the workspace's valid key with this id, as a session names it."""
        known, until = self._known.get(key_id, (None, 0.0))
        if known is not None and time.monotonic() < until:
            return known
        self._known.pop(key_id, None)
        until = time.monotonic() + KNOWN_SECONDS
        async with self._pool.connection(timeout=LOOK_UP_SECONDS) as conn:
            await show_workspaces(conn, [workspace_id])
            found = await find_key_by_id(conn, workspace_id, key_id)
            if found is not None:
                await touch_key(conn, found)
        if found is not None:
            self._remember(found.id, found, until)
        return found

    async def _look_up(self, key_hash: bytes) -> ApiKey | None:
        self._known.pop(key_hash, None)
        until = time.monotonic() + KNOWN_SECONDS
        async with self._pool.connection(timeout=LOOK_UP_SECONDS) as conn:
            found = await find_key_by_hash(conn, key_hash)
            if found is not None:
                await touch_key(conn, found)
        if found is not None:
            self._remember(key_hash, found, until)
        return found

    def _remember(self, name: bytes | UUID, key: ApiKey, until: float) -> None:
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[name] = (key, until)
