"""What a route of the API asks of Postgres and of Neo4j, seen at its connections."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any, cast

from fastapi import FastAPI
from neo4j import AsyncManagedTransaction
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from services.api.parts import ApiParts
from shared.runtime import conninfo


@asynccontextmanager
async def watched(app: FastAPI) -> AsyncGenerator[list[str]]:
    """Yield the statements that routes run meanwhile; those that write are refused.

    The caller's key and its limit are looked up elsewhere.
    """
    statements: list[str] = []

    class Noting(AsyncCursor[Any]):
        async def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
            statements.append(str(query))
            return await super().execute(query, *args, **kwargs)

    async def watch(conn: AsyncConnection[TupleRow]) -> None:
        await conn.set_read_only(True)
        conn.cursor_factory = Noting

    parts = cast(ApiParts, app.state.parts)
    dsn = conninfo(parts.shared.settings)
    async with AsyncConnectionPool(dsn, min_size=1, max_size=1, configure=watch) as pool:
        shared = replace(parts.shared, pool=pool)
        app.state.parts = replace(parts, shared=shared, pages=pool)
        try:
            yield statements
        finally:
            app.state.parts = parts


@contextmanager
def watched_graph() -> Generator[list[str]]:
    """Yield the statements of the transactions that this process runs in Neo4j meanwhile."""
    statements: list[str] = []
    run = AsyncManagedTransaction.run

    async def noting(self: AsyncManagedTransaction, query: Any, *args: Any, **kwargs: Any) -> Any:
        statements.append(str(query))
        return await run(self, query, *args, **kwargs)

    AsyncManagedTransaction.run = noting
    try:
        yield statements
    finally:
        AsyncManagedTransaction.run = run
