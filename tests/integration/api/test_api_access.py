"""Who may do what: API keys, their scopes and their workspaces."""

from __future__ import annotations

import asyncio
import re
import time
from typing import LiteralString, cast
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.api.dashboard.registry import ROOT
from services.api.known_keys import KNOWN_SECONDS
from shared.postgres.api_keys import (
    create_key,
    find_key,
    hash_key,
    list_keys,
    revoke_key,
    touch_key,
)
from tests.integration.api.conftest import Client
from tests.integration.api.route_table import keyed_routes, methods_of
from tests.integration.api.told_problems import read_problem

Conn = AsyncConnection[TupleRow]
OPEN = {
    "/health/live": "probes have no key",
    "/health/ready": "probes have no key",
    "/metrics": "figures of the process, of no workspace",
    "/problems/{name}": "what an error means",
    "/": "leads to the dashboard",
}
"""What is answered without a key, and why; the dashboard has sessions."""


async def test_every_route_needs_a_key_before_it_reads_the_body(
    app: FastAPI, stranger: httpx.AsyncClient
) -> None:
    others = {
        (method, route.path)
        for method, route in methods_of(app)
        if route.path not in OPEN and not route.path.startswith(ROOT)
    }
    for method, path in others:
        address = re.sub(r"\{[^}]+\}", str(uuid4()), path)
        answer = await stranger.request(method, address, content=b"{ not json")

        assert answer.status_code == 401, (method, path)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert list(read_problem(answer)) == ["error"]
    assert others == keyed_routes(app)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer sst_unknown",
        "Basic c3N0Xw==",
        "sst_unknown",
        "Bearer " + "x" * 7000,
        b"Bearer \xff\xfe",
    ],
)
async def test_no_key_and_an_unknown_key_are_told_the_same(
    stranger: httpx.AsyncClient, header: str | bytes
) -> None:
    bare = await stranger.get("/api/jobs")
    answer = await stranger.get("/api/jobs", headers=[(b"Authorization", header)])  # pyright: ignore[reportArgumentType]  # httpx takes bytes too

    assert (answer.status_code, answer.json()) == (401, bare.json())


async def test_health_metrics_and_description_need_no_key(stranger: httpx.AsyncClient) -> None:
    for path in ("/health/live", "/health/ready", "/metrics", "/openapi.json"):
        assert (await stranger.get(path)).status_code == 200, path


async def test_a_revoked_key_stops_working_within_the_documented_time(
    client: Client, conn: Conn
) -> None:
    assert (await client.get("/api/jobs")).status_code == 200
    (key,) = await list_keys(conn, client.workspace_id)

    assert await revoke_key(conn, client.workspace_id, key.id)

    deadline = time.monotonic() + KNOWN_SECONDS + 1
    while (answer := await client.get("/api/jobs")).status_code == 200:
        assert time.monotonic() < deadline, "the revoked key still works"
        await asyncio.sleep(0.1)
    assert answer.status_code == 401


async def test_a_key_lacking_a_scope_is_forbidden_what_the_scope_covers(
    app: FastAPI, conn: Conn
) -> None:
    key = await create_key(
        conn, workspace_id=f"team:{uuid4()}", user_id=uuid4(), name="reader", scopes=("read",)
    )
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://api.test", headers=headers
    ) as http:
        assert (await http.get("/api/jobs")).status_code == 200
        chunk = {"chunkId": "c", "content": "x"}
        refused = await http.post("/api/ingest/memory", json={"chunks": [chunk]})
        assert refused.status_code == 403
        assert "'ingest'" in refused.json()["error"]
        assert (await http.get("/api/queues")).status_code == 403


async def test_a_key_is_stored_as_its_hash_only(conn: Conn) -> None:
    workspace_id = f"team:{uuid4()}"
    key = await create_key(conn, workspace_id=workspace_id, user_id=uuid4(), name="laptop")

    row = await (await conn.execute("SELECT api_keys::text FROM api_keys")).fetchone()
    assert row is not None
    assert key not in row[0]
    assert hash_key(key).hex() in row[0]
    assert key.startswith("sst_")
    assert len(key) == 47


async def test_a_key_is_found_until_it_is_revoked(conn: Conn) -> None:
    workspace_id = f"team:{uuid4()}"
    key = await create_key(conn, workspace_id=workspace_id, user_id=uuid4(), name="laptop")

    found = await find_key(conn, key)
    assert found is not None
    assert found.workspace_id == workspace_id
    assert await find_key(conn, key[:-1]) is None
    assert await revoke_key(conn, workspace_id, found.id)
    assert await find_key(conn, key) is None
    assert not await revoke_key(conn, workspace_id, found.id)


async def test_a_key_of_another_workspace_cannot_be_revoked(conn: Conn) -> None:
    key = await create_key(conn, workspace_id=f"team:{uuid4()}", user_id=uuid4(), name="theirs")
    found = await find_key(conn, key)
    assert found is not None

    assert not await revoke_key(conn, f"team:{uuid4()}", found.id)
    assert await find_key(conn, key) is not None


async def test_use_of_a_key_is_noted_at_most_once_a_minute(conn: Conn) -> None:
    key = await create_key(conn, workspace_id=f"team:{uuid4()}", user_id=uuid4(), name="busy")
    fresh = await find_key(conn, key)
    assert fresh is not None
    await touch_key(conn, fresh)
    first = await find_key(conn, key)
    await touch_key(conn, fresh)

    second = await find_key(conn, key)
    assert first is not None
    assert second is not None
    assert first.last_used_at is not None
    assert second.last_used_at == first.last_used_at


async def test_looking_up_a_key_uses_its_index(conn: Conn) -> None:
    for number in range(200):
        await create_key(
            conn, workspace_id=f"team:{UUID(int=number)}", user_id=uuid4(), name=str(number)
        )
    await conn.execute("ANALYZE api_keys")

    source = "SELECT prosrc FROM pg_proc WHERE proname = 'find_api_key'"
    row = await (await conn.execute(source)).fetchone()
    assert row is not None
    body = cast("LiteralString", row[0].replace("= hash", "= %s"))
    plan = await (await conn.execute("EXPLAIN " + body, (b"x" * 32,))).fetchall()

    assert "api_keys_key_hash_key" in str(plan)
