"""API keys by way of Postgres: whoever reaches the database may make them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from uuid import UUID, uuid4

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from cli.api_keys.wanted import Key, NewKey, fail
from cli.connection import find_settings, open_postgres
from shared.postgres import api_keys, noted_keys

Got = TypeVar("Got")
Conn = AsyncConnection[TupleRow]


@dataclass(frozen=True, slots=True)
class KeysInPostgres:
    """The keys of one workspace."""

    workspace: str

    def create(self, wanted: NewKey) -> str:
        made = _run(
            lambda conn: noted_keys.create_noted_key(
                conn,
                workspace_id=self.workspace,
                user_id=wanted.user_id or uuid4(),
                name=wanted.name,
                scopes=wanted.scopes or api_keys.DEFAULT_SCOPES,
                requests_per_minute=wanted.requests_per_minute,
                lifetime=timedelta(days=wanted.days) if wanted.days else None,
            )
        )
        return made.text

    def rotate(self, key_id: UUID, *, grace_hours: int) -> str:
        grace = timedelta(hours=grace_hours)
        made = _run(
            lambda conn: noted_keys.rotate_noted_key(conn, self.workspace, key_id, grace=grace)
        )
        return made.text if made else fail(key_id)

    def find_all(self) -> list[Key]:
        rows = _run(lambda conn: api_keys.list_keys(conn, self.workspace))
        return [Key.model_validate(row) for row in rows]

    def revoke(self, key_id: UUID) -> None:
        if not _run(lambda conn: noted_keys.revoke_noted_key(conn, self.workspace, key_id)):
            fail(key_id)


def _run(ask: Callable[[Conn], Awaitable[Got]]) -> Got:
    async def answer() -> Got:
        async with open_postgres(find_settings()) as conn:
            return await ask(conn)

    return asyncio.run(answer())
