"""What a request works with: the process's parts, and who calls."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Final, cast

from fastapi import Depends, Request
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from faststream_pgmq import PgmqBroker
from services.api.counting_searches import SearchCounts
from services.api.known_keys import KnownKeys
from services.api.live.hub import LiveHub
from services.api.live.job_watch import JobWatch
from services.api.live.streams import Streams
from services.api.operation_worker import OperationWorker
from services.api.rate_limits import RateLimits
from shared.postgres.api_keys import ApiKey
from shared.postgres.workspaces import own_spellings, show_workspaces
from shared.runtime import Parts, Pool

CONNECTION_SECONDS: Final = 5.0
"""A client is better told to try later than left waiting."""


@dataclass(frozen=True, slots=True)
class ApiParts:
    """Open as long as the application runs."""

    shared: Parts
    broker: PgmqBroker
    keys: KnownKeys
    limits: RateLimits
    live: LiveHub
    streams: Streams
    pages: Pool
    """Read only and impatient: what a page asks cannot hold up what clients send."""
    operations: OperationWorker
    watch: JobWatch
    searches: SearchCounts

    @asynccontextmanager
    async def transaction(self, caller: ApiKey) -> AsyncGenerator[AsyncConnection[TupleRow]]:
        """Yield a connection whose work is committed at the end, and undone by an error.

        Postgres shows it the caller's workspace and no other.

        Raises:
            PoolTimeout: Postgres does not answer, or too many requests wait for it.
        """
        async with self.shared.pool.connection(timeout=CONNECTION_SECONDS) as conn:
            await show_workspaces(conn, own_spellings(caller.workspace_id))
            yield conn

    @asynccontextmanager
    async def reading(self, caller: ApiKey) -> AsyncGenerator[AsyncConnection[TupleRow]]:
        """Yield a connection for what a page shows: it cannot write, and gives up after 2 s.

        Postgres shows it the caller's workspace and no other.
        """
        async with self.pages.connection(timeout=CONNECTION_SECONDS) as conn:
            await show_workspaces(conn, own_spellings(caller.workspace_id))
            yield conn


def find_parts(request: Request) -> ApiParts:
    """Return what the application's lifespan opened."""
    return cast(ApiParts, request.app.state.parts)


async def _find_parts(request: Request) -> ApiParts:
    # FastAPI would run a function that is not async in a thread.
    return find_parts(request)


WithParts = Annotated[ApiParts, Depends(_find_parts)]
