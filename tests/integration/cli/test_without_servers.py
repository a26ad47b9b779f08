"""Commands of whoever has an API key, and none of the servers' addresses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from shared.postgres.api_keys import SCOPES, create_key, find_key
from tests.integration.cli.conftest import Prompt
from tests.integration.ingest.conftest import store_memory
from tests.integration.patterns.pattern_builders import ANNA

Conn = AsyncConnection[TupleRow]
BEGAN = datetime.now(UTC) - timedelta(hours=1)
ONWARD, ALONE, OTHER = ("0" * 31 + digit for digit in "123")
ABOUT = {"messaging.message.id": "17", "messaging.destination.name": "memory_ingestion"}
LINK = {"trace_id": OTHER, "span_id": f"{9:016x}"}


@dataclass(frozen=True)
class Outsider(Prompt):
    """Somebody whose shell names an API and a key, and the same person beside the servers."""

    operator: Prompt

    async def read(self, *arguments: str) -> Any:
        done = await self.run(*arguments)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)


@pytest.fixture
async def outsider(prompt: Prompt, conn: Conn, workspace: str) -> Outsider:
    key = await create_key(
        conn, workspace_id=workspace, user_id=ANNA, name="outside", scopes=SCOPES
    )
    names = ("SUPASTATE_HOME", "SUPASTATE_API_URL")
    shell = {name: prompt.environment[name] for name in names}
    return Outsider(shell | {"SUPASTATE_API_KEY": key}, prompt)


def span(trace: str, number: int, name: str, workspace: str, **more: Any) -> dict[str, Any]:
    begun = BEGAN + timedelta(minutes=int(trace, 16), milliseconds=number)
    return {
        "trace_id": trace,
        "span_id": f"{number:016x}",
        "parent_span_id": f"{number - 1:016x}" if number > 1 else None,
        "service": more.get("service", "supastate-api"),
        "name": name,
        "kind": "internal",
        "status": "unset",
        "started_at": begun.isoformat(),
        "duration_ms": 5,
        "attributes": more.get("attributes", {}),
        "links": more.get("links", []),
        "workspace_id": workspace,
    }


@pytest.fixture
async def spans(conn: Conn, workspace: str) -> None:
    """A request that went on to a worker, a newer one that did not, and a stranger's."""
    write: dict[str, Any] = {"service": "supastate-ingest", "links": [LINK]}
    rows = [
        span(ONWARD, 1, "POST", workspace),
        span(ONWARD, 2, "process", workspace, service="supastate-ingest", attributes=ABOUT),
        span(ONWARD, 3, "write", workspace, attributes={"db.system.name": "neo4j"}, **write),
        span(ALONE, 1, "GET /api/traces", workspace),
        span(OTHER, 1, "theirs", f"team:{uuid4()}", service="supastate-ingest"),
    ]
    await conn.execute("SELECT save_spans(%s)", (Jsonb(rows),))


@pytest.mark.usefixtures("spans")
async def test_a_trace_is_drawn_from_what_the_api_says(outsider: Outsider) -> None:
    newest = await outsider.run("trace")
    followed = await outsider.run("trace", "--message", "memory_ingestion:17")
    unheard = await outsider.run("trace", ONWARD, "--message", "patterns:17")
    unknown = await outsider.run("trace", "--message", "memory_ingestion:18")
    theirs = await outsider.run("trace", OTHER)

    assert newest.stdout.startswith(f"Trace {ONWARD} ")
    assert "   └─ write" in newest.stdout
    assert followed.stdout == newest.stdout
    assert (unheard.exit_code, "no span" in unheard.stderr) == (1, True)
    assert (unknown.exit_code, "`supastate traces`" in unknown.stderr) == (1, True)
    assert (theirs.exit_code, "no such trace" in theirs.stderr) == (1, True)


@pytest.mark.usefixtures("spans")
async def test_the_spans_as_json_are_those_of_the_span_store_with_attributes_and_links(
    outsider: Outsider,
) -> None:
    told = await outsider.read("trace", ONWARD, "--json")
    stored = json.loads((await outsider.operator.run("trace", ONWARD, "--json")).stdout)

    assert told == stored
    assert [one["links"] for one in told] == [[], [], [LINK]]
    assert told[1]["attributes"] == ABOUT


async def test_keys_are_made_rotated_listed_and_revoked_over_the_api(
    outsider: Outsider, conn: Conn, workspace: str
) -> None:
    made = await outsider.read(
        "keys", "create", "--name", "ci", "--scope", "read", "--days", "3", "--json"
    )
    key = await find_key(conn, made["key"])
    assert key is not None
    rotated = await outsider.read("keys", "rotate", str(key.id), "--grace-hours", "1", "--json")
    revoked = await outsider.run("keys", "revoke", str(key.id))

    assert (key.workspace_id, key.user_id, key.name, key.scopes) == (
        workspace,
        ANNA,
        "ci",
        ["read"],
    )
    assert key.expires_at is not None
    assert rotated["key"].startswith("sst_")
    assert (revoked.exit_code, await find_key(conn, made["key"])) == (0, None)
    listed = await outsider.read("keys", "list", "--json")
    assert {one["name"]: one["state"] for one in listed[1:]}["ci"] == "revoked"
    beside = await outsider.operator.run("keys", "list", "--json")
    assert listed == json.loads(beside.stdout)


async def test_an_export_into_a_file_says_what_it_wrote(
    outsider: Outsider, conn: Conn, workspace: str, tmp_path: Path
) -> None:
    await store_memory(conn, workspace)
    file = tmp_path / "memories.jsonl"

    told = await outsider.read("export", "memories", "--to", str(file), "--json")
    lines = await outsider.run("export", "memories", "--json")

    assert told == {"kind": "memories", "lines": 1, "to": str(file)}
    assert json.loads(lines.stdout)["content"]
    assert lines.stdout == file.read_text()


async def test_a_key_of_another_workspace_or_without_admin_is_told(
    outsider: Outsider, workspace: str
) -> None:
    elsewhere = await outsider.run("keys", "create", "--workspace", f"team:{uuid4()}")
    own = await outsider.run("keys", "create", "--workspace", workspace)
    unknown = await outsider.run("keys", "revoke", str(uuid4()))
    plain_key = outsider.operator.environment["SUPASTATE_API_KEY"]
    plain = Prompt(outsider.environment | {"SUPASTATE_API_KEY": plain_key})
    refused = await plain.run("keys", "list")

    assert (elsewhere.exit_code, workspace in elsewhere.stderr) == (2, True)
    assert own.exit_code == 0
    assert (unknown.exit_code, "no valid key" in unknown.stderr) == (1, True)
    assert (refused.exit_code, "scope admin" in refused.stderr) == (1, True)
