"""The whole system as real processes: servers, four services, Jaeger, and the real command line."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from psycopg import AsyncConnection

from cli.local_stack import LocalStack
from shared.postgres.api_keys import create_key
from tests.jaeger.server import JaegerServer, JaegerUnavailableError, build_jaeger

PROGRAM = "from cli.main import app; app()"
QUICK_LEASE = {"SUPASTATE_VISIBILITY_TIMEOUT_SECONDS": "5", "SUPASTATE_BATCH_SIZE": "10"}
"""So that a killed worker's messages come back within a test's patience."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """One team's view of the running system: a key of its own, through the command line."""

    stack: LocalStack
    jaeger: JaegerServer | None
    id: str
    environment: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `supastate …`; its answer is on stdout."""
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            env=dict(os.environ) | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> Any:
        """Return what `supastate … --json` answers."""
        output, errors = self.start(*arguments, "--json").communicate(timeout=300)
        assert output, errors
        return json.loads(output)

    def query(self, cypher: str, **parameters: str) -> list[dict[str, Any]]:
        """Return the rows of a query; `$w` is this workspace."""
        given = {"w": self.id, **parameters}
        options = [f"--param={name}={value}" for name, value in given.items()]
        return self.run("graph", "query", cypher, *options)

    def value(self, cypher: str, **parameters: str) -> Any:
        """Return the one value that a query answers."""
        [row] = self.query(cypher, **parameters)
        [value] = row.values()
        return value


@pytest.fixture(scope="session")
def system_jaeger() -> Iterator[JaegerServer | None]:
    """A Jaeger for all of the system's spans; None where it cannot be built."""
    try:
        program = build_jaeger()
    except JaegerUnavailableError:
        yield None
        return
    with JaegerServer(program) as server:
        yield server


@pytest.fixture(scope="session")
def system(
    tmp_path_factory: pytest.TempPathFactory, system_jaeger: JaegerServer | None
) -> Iterator[Workspace]:
    """The running system; use `team` for a workspace of your own."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in QUICK_LEASE.items():
            environment.setenv(name, value)
        if system_jaeger is not None:
            environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", system_jaeger.otlp_grpc_url)
        stack = LocalStack(tmp_path_factory.mktemp("system") / "home")
        try:
            stack.start()
            yield Workspace(stack, system_jaeger, "", stack.settings())
        finally:
            stack.delete_data()


def make_team(system: Workspace) -> Workspace:
    """Return a new, empty workspace with its own key."""
    workspace_id = f"team:{uuid4()}"
    names = system.stack.settings()
    key = asyncio.run(_create_key(names["SUPASTATE_POSTGRES_DSN"], workspace_id))
    own = {"SUPASTATE_API_KEY": key, "SUPASTATE_WORKSPACE_ID": workspace_id}
    return replace(system, id=workspace_id, environment=names | own)


async def _create_key(dsn: str, workspace_id: str) -> str:
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        return await create_key(conn, workspace_id=workspace_id, user_id=uuid4(), name="system")


@pytest.fixture
def team(system: Workspace) -> Workspace:
    """A new, empty workspace."""
    return make_team(system)


@pytest.fixture(scope="session")
def sessions(samples: Path) -> Path:
    """Real Claude Code sessions."""
    return samples / "claude-code"
