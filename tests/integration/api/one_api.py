"""One API and one database for all tests of a module, each of which finds the tables empty.

A module that needs no API of its own imports these fixtures over those of the folder, and is marked
with `ON_ONE_LOOP`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import LiteralString
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from tests.conftest import Servers
from tests.databases import own_database
from tests.integration.api.conftest import Client, open_app, open_client, open_stranger

__all__ = ["ON_ONE_LOOP", "app", "client", "conn", "database", "other_client", "stranger"]

ON_ONE_LOOP = pytest.mark.asyncio(loop_scope="module")
# Without triggers and references, so that the order does not matter.
EMPTY: LiteralString = """
SET session_replication_role = replica;
DO $$
DECLARE one regclass;
BEGIN
    FOR one IN
        SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
        WHERE schemaname IN ('public', 'pgmq', 'faststream_pgmq')
          AND tablename NOT IN ('supastate_migrations', 'meta')
    LOOP EXECUTE format('DELETE FROM %s', one); END LOOP;
END $$
"""


@pytest.fixture(scope="module")
def database(postgres_dsn: str, template: str) -> Iterator[str]:
    """The connection string of this module's own migrated database."""
    with own_database(postgres_dsn, "module", template=template) as dsn:
        yield dsn


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(servers: Servers, database: str) -> AsyncIterator[FastAPI]:
    """The started application."""
    async with open_app(servers, database, InMemorySpanExporter()) as application:
        yield application


@pytest_asyncio.fixture(loop_scope="module")
async def conn(database: str) -> AsyncIterator[AsyncConnection[TupleRow]]:
    """A connection to the database, which no test before has left anything in."""
    async with await AsyncConnection.connect(database, autocommit=True) as own:
        yield own
        await own.execute(EMPTY)


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a key."""
    async with open_stranger(app) as http:
        yield http


@pytest_asyncio.fixture(loop_scope="module")
async def client(app: FastAPI, conn: AsyncConnection[TupleRow]) -> AsyncIterator[Client]:
    """Somebody with a key."""
    async with open_client(app, conn, f"team:{uuid4()}") as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def other_client(app: FastAPI, conn: AsyncConnection[TupleRow]) -> AsyncIterator[Client]:
    """Somebody with a key of another workspace."""
    async with open_client(app, conn, f"team:{uuid4()}") as opened:
        yield opened
