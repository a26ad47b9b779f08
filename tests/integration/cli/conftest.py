"""The API over real servers for the command line, which runs in this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import pytest
import uvicorn
from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from cli.main import app as supastate
from services.api.app import create_app
from shared.postgres.api_keys import create_key
from shared.settings import Settings
from tests.conftest import Servers
from tests.integration.patterns.pattern_builders import ANNA


@dataclass(frozen=True)
class Prompt:
    """Types `supastate …` into the shell of somebody with a key of the workspace."""

    environment: dict[str, str]

    async def run(self, *arguments: str) -> Result:
        return await asyncio.to_thread(
            CliRunner().invoke, supastate, arguments, env=self.environment
        )


@contextmanager
def serving(app: FastAPI) -> Generator[str]:
    """Yield the address of the application."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = monotonic() + 30
    try:
        while not server.started:
            assert thread.is_alive(), "the API did not start"
            assert monotonic() < deadline, "the API takes long to start"
            sleep(0.01)
        (socket,) = server.servers[0].sockets
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def servers_environment(servers: Servers, database: str, tmp_path: Path) -> dict[str, str]:
    """Where the servers of this test are."""
    return {
        "SUPASTATE_HOME": str(tmp_path),
        "SUPASTATE_POSTGRES_DSN": database,
        "SUPASTATE_NEO4J_URI": servers.neo4j_uri,
        "SUPASTATE_NEO4J_USER": servers.neo4j_user,
        "SUPASTATE_NEO4J_PASSWORD": servers.neo4j_password,
    }


@pytest.fixture
async def prompt(
    servers: Servers,
    database: str,
    conn: AsyncConnection[TupleRow],
    workspace: str,
    servers_environment: dict[str, str],
) -> AsyncIterator[Prompt]:
    """Somebody at a shell, and the API that answers."""
    settings = Settings(
        postgres_dsn=SecretStr(database),
        neo4j_uri=servers.neo4j_uri,
        neo4j_user=servers.neo4j_user,
        neo4j_password=SecretStr(servers.neo4j_password),
    )
    key = await create_key(conn, workspace_id=workspace, user_id=ANNA, name="shell")
    with serving(create_app(settings, TracerProvider(shutdown_on_exit=False))) as url:
        client = {"SUPASTATE_API_URL": url, "SUPASTATE_API_KEY": key}
        yield Prompt(servers_environment | client | {"SUPASTATE_WORKSPACE_ID": workspace})
