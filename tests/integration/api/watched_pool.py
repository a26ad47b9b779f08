"""What the API asks of Postgres, seen at its own connection."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

from fastapi import FastAPI
from psycopg import AsyncCursor

from services.api.parts import ApiParts


@asynccontextmanager
async def watched(app: FastAPI, *, read_only: bool = True) -> AsyncGenerator[list[str]]:
    """Yield the statements that requests run meanwhile; writes are refused with `read_only`.

    Whoever asks has asked before: the first request of a key notes that, and takes from its limit.
    """
    statements: list[str] = []

    class Noting(AsyncCursor[Any]):
        async def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
            statements.append(str(query))
            return await super().execute(query, *args, **kwargs)

    pool = cast(ApiParts, app.state.parts).shared.pool
    async with pool.connection() as conn:
        await conn.set_read_only(read_only)
        conn.cursor_factory = Noting
    assert pool.get_stats()["pool_size"] == 1  # so this is the connection of every request
    try:
        yield statements
    finally:
        async with pool.connection() as conn:
            await conn.set_read_only(None)
            conn.cursor_factory = AsyncCursor
