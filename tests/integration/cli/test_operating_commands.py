"""Commands that speak with Postgres and Neo4j themselves."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.postgres.api_keys import find_key
from shared.postgres.audit import list_entries
from shared.postgres.spans import find_newest_trace
from tests.conftest import Servers

SUPASTATE = Path(sys.executable).with_name("supastate")
WORKSPACE = f"team:{uuid4()}"
START = datetime(2026, 1, 5, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Shown:
    """What a command printed, and how it ended."""

    code: int
    stdout: str
    stderr: str


class CommandLine:
    """Runs `supastate` on the servers of this test."""

    def __init__(self, servers: Servers, database: str, home: Path) -> None:
        self.environment = dict(os.environ) | {
            "SUPASTATE_HOME": str(home),
            "SUPASTATE_POSTGRES_DSN": database,
            "SUPASTATE_NEO4J_URI": servers.neo4j_uri,
            "SUPASTATE_NEO4J_USER": servers.neo4j_user,
            "SUPASTATE_NEO4J_PASSWORD": servers.neo4j_password,
        }

    async def run(self, *arguments: str) -> Shown:
        process = await asyncio.create_subprocess_exec(
            SUPASTATE,
            *arguments,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        stdout, stderr = await asyncio.wait_for(process.communicate(), 60)
        return Shown(process.returncode or 0, stdout.decode(), stderr.decode())


@pytest.fixture
def command(servers: Servers, database: str, tmp_path: Path) -> CommandLine:
    return CommandLine(servers, database, tmp_path)


async def save_span(
    conn: AsyncConnection[TupleRow], trace: str, name: str, parent: str | None = None, **more: str
) -> None:
    """Store one span; `service`, `system` and `message` may be named."""
    attributes = {"db.system.name": more.get("system"), "messaging.message.id": more.get("message")}
    await conn.execute(
        "INSERT INTO spans (trace_id, span_id, parent_span_id, service, name, kind, status,"
        " started_at, duration_ms, attributes)"
        " VALUES (%s, %s, %s, %s, %s, 'internal', 'ok', %s, 12.5, %s)",
        (
            trace,
            name,
            parent,
            more.get("service", "supastate-ingest"),
            name,
            START + timedelta(seconds=int(trace)),
            json.dumps({key: value for key, value in attributes.items() if value}),
        ),
    )


async def test_a_key_made_on_the_command_line_opens_the_workspace(
    command: CommandLine, conn: AsyncConnection[TupleRow]
) -> None:
    made = await command.run("keys", "create", "--workspace", WORKSPACE, "--name", "laptop")

    key = await find_key(conn, made.stdout.strip())

    assert key is not None
    assert (key.workspace_id, key.name) == (WORKSPACE, "laptop")


async def test_a_revoked_key_opens_nothing(
    command: CommandLine, conn: AsyncConnection[TupleRow]
) -> None:
    made = await command.run("keys", "create", "--workspace", WORKSPACE)
    listed = await command.run("keys", "list", "--workspace", WORKSPACE, "--json")
    (key,) = json.loads(listed.stdout)

    revoked = await command.run("keys", "revoke", key["id"], "--workspace", WORKSPACE)

    assert revoked.code == 0
    assert await find_key(conn, made.stdout.strip()) is None
    noted = await list_entries(conn, WORKSPACE, limit=5)
    assert [entry.action for entry in noted] == ["key.revoke", "key.create"]


async def test_a_key_of_another_workspace_cannot_be_revoked(command: CommandLine) -> None:
    await command.run("keys", "create", "--workspace", WORKSPACE)
    listed = await command.run("keys", "list", "--workspace", WORKSPACE, "--json")
    (key,) = json.loads(listed.stdout)

    stranger = await command.run("keys", "revoke", key["id"], "--workspace", f"team:{uuid4()}")

    assert stranger.code == 1
    assert "no valid key" in stranger.stderr


async def test_a_wrong_workspace_id_is_explained(command: CommandLine) -> None:
    shown = await command.run("keys", "create", "--workspace", "acme")

    assert shown.code == 2
    assert "team:<uuid>" in shown.stderr


async def test_a_second_migration_has_nothing_to_do(
    command: CommandLine, neo4j_driver: AsyncDriver
) -> None:
    shown = await command.run("migrate")

    assert shown.stdout == "nothing to apply\n"


async def test_a_server_that_is_down_is_named_without_a_traceback(command: CommandLine) -> None:
    command.environment["SUPASTATE_POSTGRES_DSN"] = "postgresql://127.0.0.1:9/none"

    shown = await command.run("migrate")

    assert shown.code == 1
    assert "Postgres does not answer" in shown.stderr
    assert "Traceback" not in shown.stderr


async def test_the_graph_answers_in_json(command: CommandLine, neo4j_driver: AsyncDriver) -> None:
    query = "UNWIND $names AS name RETURN name, size(name) AS length"

    shown = await command.run("graph", "query", query, "--param", 'names=["a", "bcd"]', "--json")

    assert json.loads(shown.stdout) == [{"name": "a", "length": 1}, {"name": "bcd", "length": 3}]


async def test_the_graph_cannot_be_written(
    command: CommandLine, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    query = f"CREATE (n:Memory {{workspace_id: '{workspace}'}})"

    shown = await command.run("graph", "query", query)

    found = await neo4j_driver.execute_query(
        "MATCH (n {workspace_id: $workspace}) RETURN n", workspace=workspace
    )
    assert shown.code == 1
    assert "Traceback" not in shown.stderr
    assert found.records == []


async def test_wrong_cypher_is_explained(command: CommandLine, neo4j_driver: AsyncDriver) -> None:
    shown = await command.run("graph", "query", "MATCH (n RETURN n")

    assert shown.code == 1
    assert "Invalid input" in shown.stderr


async def test_the_newest_trace_is_the_newest_that_reached_the_graph(
    conn: AsyncConnection[TupleRow],
) -> None:
    await save_span(conn, "1", "old write", system="neo4j")
    await save_span(conn, "2", "write", system="neo4j")
    await save_span(conn, "2", "POST", service="supastate-api")
    await save_span(conn, "3", "a search", service="supastate-api")

    assert await find_newest_trace(conn) == "2"
    assert await find_newest_trace(conn, ["supastate-api", "supastate-ingest"]) == "2"
    assert await find_newest_trace(conn, ["supastate-patterns"]) is None


async def test_a_trace_is_drawn_from_the_span_store(
    command: CommandLine, conn: AsyncConnection[TupleRow]
) -> None:
    await save_span(conn, "1", "POST", service="supastate-api")
    await save_span(conn, "1", "process", "POST", message="17")
    await save_span(conn, "1", "save_memories", "process", system="neo4j")

    shown = await command.run("trace")

    assert "└─ process" in shown.stdout
    assert "   └─ save_memories" in shown.stdout
    assert "12.5 ms" in shown.stdout


async def test_one_message_is_followed_through_a_shared_trace(
    command: CommandLine, conn: AsyncConnection[TupleRow]
) -> None:
    await save_span(conn, "1", "POST", service="supastate-api")
    await save_span(conn, "1", "process 17", "POST", message="17", system="neo4j")
    await save_span(conn, "1", "process 18", "POST", message="18")

    shown = await command.run("trace", "1", "--message", "17")

    assert "process 17" in shown.stdout
    assert "process 18" not in shown.stdout


async def test_an_unknown_trace_is_explained(command: CommandLine) -> None:
    shown = await command.run("trace", "f" * 32)

    assert shown.code == 1
    assert "no trace" in shown.stderr
