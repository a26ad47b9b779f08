"""The API in this process, over real Postgres and Neo4j, and clients with keys."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from pydantic import SecretStr

from services.api.app import create_app
from shared.postgres.api_keys import create_key
from shared.settings import Settings
from tests.conftest import Servers


@dataclass(frozen=True)
class Client:
    """Somebody with a key."""

    http: httpx.AsyncClient
    key: str
    workspace_id: str
    user_id: UUID

    async def post(self, path: str, body: Any) -> httpx.Response:
        return await self.http.post(path, json=body)

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.http.get(path, params=params)

    async def delete(self, path: str, /, **params: Any) -> httpx.Response:
        return await self.http.delete(path, params=params)

    async def send_chunks(self, *chunks: Any, **envelope: Any) -> httpx.Response:
        return await self.post("/api/ingest/memory", {"chunks": list(chunks), **envelope})


@pytest.fixture
def spans() -> InMemorySpanExporter:
    """The spans that the API has finished."""
    return InMemorySpanExporter()


@pytest.fixture
async def app(
    servers: Servers, database: str, spans: InMemorySpanExporter
) -> AsyncIterator[FastAPI]:
    """The started application."""
    async with open_app(servers, database, spans) as application:
        yield application


@asynccontextmanager
async def open_app(
    servers: Servers, database: str, spans: InMemorySpanExporter
) -> AsyncGenerator[FastAPI]:
    """Yield the started application."""
    settings = Settings(
        postgres_dsn=SecretStr(database),
        postgres_role="supastate_api",
        queue_sample_seconds=0,  # tests take samples when they want them
        neo4j_uri=servers.neo4j_uri,
        neo4j_user=servers.neo4j_user,
        neo4j_password=SecretStr(servers.neo4j_password),
        visibility_timeout_seconds=60,  # another, where a system runs in the same half
    )
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    application = create_app(settings, provider)
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture
async def stranger(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a key."""
    async with open_stranger(app) as http:
        yield http


def open_stranger(app: FastAPI) -> httpx.AsyncClient:
    """Return somebody without a key."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://api.test")


@pytest.fixture
async def client(app: FastAPI, conn: AsyncConnection[TupleRow]) -> AsyncIterator[Client]:
    """Somebody with a key; not the fixture `workspace`, since most tests need no graph."""
    async with open_client(app, conn, f"team:{uuid4()}") as opened:
        yield opened


@pytest.fixture
async def other_client(app: FastAPI, conn: AsyncConnection[TupleRow]) -> AsyncIterator[Client]:
    """Somebody with a key of another workspace."""
    async with open_client(app, conn, f"team:{uuid4()}") as opened:
        yield opened


@asynccontextmanager
async def open_client(
    app: FastAPI, conn: AsyncConnection[TupleRow], workspace_id: str
) -> AsyncGenerator[Client]:
    user_id = uuid4()
    key = await create_key(conn, workspace_id=workspace_id, user_id=user_id, name="test")
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://api.test", headers=headers
    ) as http:
        yield Client(http, key, workspace_id, user_id)
