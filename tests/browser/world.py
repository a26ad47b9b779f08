"""The API with its dashboard, served by this process over real databases with seeded content."""

from __future__ import annotations

import pkgutil
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from threading import Thread
from typing import cast
from uuid import UUID, uuid4

import uvicorn
from fastapi import FastAPI
from neo4j import AsyncDriver
from opentelemetry.sdk.trace import TracerProvider
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from pydantic import SecretStr

from services.api.__main__ import StreamEndingServer
from services.api.app import create_app
from shared.postgres.api_keys import create_key
from shared.settings import Settings
from tests.browser import seeds
from tests.conftest import Servers

START_SECONDS = 30.0
STOP_SECONDS = 1.0


@dataclass(frozen=True)
class World:
    """What a seed may write to: the workspace of the person who looks, and a stranger's."""

    conn: AsyncConnection[TupleRow]
    """Of a superuser, each statement committed at once."""
    driver: AsyncDriver
    workspace_id: str
    other_workspace_id: str
    user_id: UUID


@dataclass(frozen=True)
class Site:
    """The running dashboard, and keys of the seeded workspace."""

    url: str
    dsn: str
    workspace_id: str
    user_id: UUID
    key: str
    """Ingest, read and operate."""
    viewer_key: str
    """Read only."""
    app: FastAPI
    """What runs, in this process."""


def settings_of(servers: Servers, dsn: str) -> Settings:
    """Return the API's settings; whatever the browser tests must know of them is here."""
    return Settings(
        postgres_dsn=SecretStr(dsn),
        postgres_role="supastate_api",
        neo4j_uri=servers.neo4j_uri,
        neo4j_user=servers.neo4j_user,
        neo4j_password=SecretStr(servers.neo4j_password),
        environment="test",
        jaeger_url="http://jaeger.test",
    )


@contextmanager
def serving(app: FastAPI, port: int = 0) -> Generator[str]:
    """Serve on this port, or a free one, in a thread of its own; yield the address."""
    server = StreamEndingServer(uvicorn.Config(app, port=port, log_level="warning", lifespan="on"))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{_port(server, thread)}"
    finally:
        server.should_exit = True
        thread.join(STOP_SECONDS)
        server.force_exit = True  # a tab's event stream may not end by itself
        thread.join(START_SECONDS)


def _port(server: uvicorn.Server, thread: Thread) -> int:
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        assert thread.is_alive(), "the API did not start"
        assert time.monotonic() < deadline, "the API takes too long to start"
        time.sleep(0.01)
    return int(server.servers[0].sockets[0].getsockname()[1])


def make_app(servers: Servers, dsn: str) -> FastAPI:
    """Return the whole API, as `python -m services.api` serves it."""
    return create_app(settings_of(servers, dsn), TracerProvider(shutdown_on_exit=False))


async def fill(dsn: str, driver: AsyncDriver) -> tuple[World, str, str]:
    """Return the seeded world with a key that may operate and one that may read."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        world = World(conn, driver, f"team:{uuid4()}", f"team:{uuid4()}", uuid4())
        for seed in _find_seeds():
            await seed(world)
        keys = [
            await create_key(
                conn,
                workspace_id=world.workspace_id,
                user_id=world.user_id,
                name=name,
                scopes=scopes,
            )
            for name, scopes in (("operator", ("ingest", "read", "operate")), ("viewer", ("read",)))
        ]
    return world, keys[0], keys[1]


def _find_seeds() -> list[Callable[[World], Awaitable[None]]]:
    names = sorted(module.name for module in pkgutil.iter_modules(seeds.__path__))
    modules = [import_module(f"{seeds.__name__}.{name}") for name in names]
    return [cast(Callable[[World], Awaitable[None]], module.seed) for module in modules]
