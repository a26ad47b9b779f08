"""Keys with the scope `admin` make, list, rotate and revoke the keys of their workspace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from psycopg import AsyncConnection
from psycopg.errors import CheckViolation
from psycopg.rows import TupleRow

from shared.postgres.api_keys import SCOPES, create_key, find_key, list_keys, rotate_key
from shared.postgres.audit import NOBODY, list_entries
from shared.postgres.noted_keys import create_noted_key, revoke_noted_key, rotate_noted_key
from tests.integration.api.conftest import Client

Conn = AsyncConnection[TupleRow]


@pytest.fixture
async def admin(client: Client, conn: Conn) -> Client:
    """Somebody with a key that may do everything."""
    key = await create_key(
        conn,
        workspace_id=client.workspace_id,
        user_id=client.user_id,
        name="admin",
        scopes=SCOPES,
    )
    client.http.headers["Authorization"] = f"Bearer {key}"
    return client


async def status_with(app: FastAPI, key: str) -> int:
    """Return what the API answers to a key."""
    headers = {"Authorization": f"Bearer {key}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://api.test", headers=headers
    ) as http:
        return (await http.get("/api/jobs")).status_code


async def make(admin: Client, **body: Any) -> dict[str, Any]:
    answer = await admin.post("/api/keys", {"name": "laptop", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_key_is_made_with_what_was_asked_and_shown_once(
    admin: Client, app: FastAPI
) -> None:
    made = await make(admin, scopes=["read"], days=30, requestsPerMinute=60)
    assert await status_with(app, made["key"]) == 200
    listed = (await admin.get("/api/keys")).json()["keys"]
    (own,) = [key for key in listed if key["name"] == "laptop"]
    assert (own["scopes"], own["requestsPerMinute"], own["state"]) == (["read"], 60, "valid")
    assert own == made["details"] | {"lastUsedAt": own["lastUsedAt"]}
    left = datetime.fromisoformat(own["expiresAt"]) - datetime.now(UTC)
    assert timedelta(days=29) < left <= timedelta(days=30)
    assert made["key"] not in str(listed)


async def test_a_rotated_key_gives_way_to_one_with_the_same_rights(
    admin: Client, app: FastAPI
) -> None:
    old = await make(admin, scopes=["read", "ingest"])
    path = f"/api/keys/{old['details']['id']}/rotate"
    new = (await admin.post(path, {"graceHours": 1})).json()
    assert [await status_with(app, one["key"]) for one in (old, new)] == [200, 200]
    assert new["details"]["scopes"] == ["read", "ingest"]
    assert new["details"]["replaces"] == old["details"]["id"]
    at_once = (await admin.post(path, {"graceHours": 0})).json()
    assert at_once["details"]["replaces"] == old["details"]["id"]
    assert (await admin.post(path, {"graceHours": 0})).status_code == 404


async def test_a_revoked_key_is_refused_and_cannot_be_revoked_twice(
    admin: Client, app: FastAPI
) -> None:
    made = await make(admin)
    path = f"/api/keys/{made['details']['id']}"
    assert (await admin.http.delete(path)).status_code == 204
    assert await status_with(app, made["key"]) == 401
    assert (await admin.http.delete(path)).status_code == 404


async def test_only_an_admin_key_manages_keys(client: Client) -> None:
    for method, path in (
        ("GET", "/api/keys"),
        ("POST", "/api/keys"),
        ("POST", f"/api/keys/{uuid4()}/rotate"),
        ("DELETE", f"/api/keys/{uuid4()}"),
    ):
        body = {"name": "x"}
        refused = await client.http.request(method, path, json=body)
        assert (refused.status_code, "'admin'" in refused.text) == (403, True), path


async def test_no_key_makes_one_that_can_do_more_than_itself(client: Client, conn: Conn) -> None:
    key = await create_key(
        conn,
        workspace_id=client.workspace_id,
        user_id=uuid4(),
        name="narrow",
        scopes=("admin",),
    )
    client.http.headers["Authorization"] = f"Bearer {key}"
    refused = await client.post("/api/keys", {"name": "wide", "scopes": ["admin", "read"]})
    assert (refused.status_code, refused.json()["error"]) == (
        403,
        "scopes: this API key lacks read itself",
    )


async def test_the_keys_of_another_workspace_are_out_of_reach(
    admin: Client, other_client: Client, conn: Conn
) -> None:
    (theirs,) = await list_keys(conn, other_client.workspace_id)
    assert str(theirs.id) not in (await admin.get("/api/keys")).text
    assert (await admin.http.delete(f"/api/keys/{theirs.id}")).status_code == 404
    assert (await admin.post(f"/api/keys/{theirs.id}/rotate", {})).status_code == 404
    assert (await other_client.get("/api/jobs")).status_code == 200


async def test_an_expired_key_is_no_key(conn: Conn) -> None:
    workspace_id = f"team:{uuid4()}"
    key = await create_key(
        conn,
        workspace_id=workspace_id,
        user_id=uuid4(),
        name="short",
        lifetime=timedelta(microseconds=1),
    )
    assert await find_key(conn, key) is None
    (listed,) = await list_keys(conn, workspace_id)
    assert listed.state == "expired"
    assert await rotate_key(conn, workspace_id, listed.id, grace=timedelta(0)) is None


async def test_a_scope_that_does_not_exist_is_refused(admin: Client, conn: Conn) -> None:
    refused = await admin.post("/api/keys", {"name": "x", "scopes": ["everything"]})
    assert refused.status_code == 400
    assert refused.json()["details"][0]["field"] == "scopes[0]"
    with pytest.raises(CheckViolation, match="api_keys_scopes_are_known"):
        await create_key(
            conn, workspace_id=f"team:{uuid4()}", user_id=uuid4(), name="x", scopes=("all",)
        )


async def test_what_is_done_to_keys_is_noted_without_their_secrets(
    admin: Client, conn: Conn
) -> None:
    made = await make(admin, scopes=["read"])
    key_id = made["details"]["id"]
    rotated = (await admin.post(f"/api/keys/{key_id}/rotate", {})).json()
    await admin.delete(f"/api/keys/{key_id}")

    entries = await list_entries(conn, admin.workspace_id, limit=10)

    assert [(one.action, one.target, one.key_name) for one in reversed(entries)] == [
        (action, key_id, "admin") for action in ("key.create", "key.rotate", "key.revoke")
    ]
    assert not any(key["key"] in str(entries) for key in (made, rotated))


async def test_pages_of_keys_neither_lose_nor_repeat_one(admin: Client, conn: Conn) -> None:
    for number in range(4):
        await make(admin, name=str(number))
    await conn.execute("UPDATE api_keys SET created_at = '2026-01-05Z' WHERE name < '4'")
    seen: list[str] = []
    page = (await admin.get("/api/keys", limit=2)).json()
    while page["next"]:
        seen += [key["name"] for key in page["keys"]]
        page = (await admin.get("/api/keys", limit=2, after=page["next"])).json()
    seen += [key["name"] for key in page["keys"]]

    assert sorted(seen) == ["0", "1", "2", "3", "admin", "test"]
    assert (await admin.get("/api/keys", after="nonsense")).status_code == 400


async def test_what_the_command_line_does_to_keys_is_noted_too(conn: Conn) -> None:
    own = f"team:{uuid4()}"
    made = await create_noted_key(conn, workspace_id=own, user_id=uuid4(), name="laptop")
    new = await rotate_noted_key(conn, own, made.row.id, grace=timedelta(0))
    assert new is not None
    assert await revoke_noted_key(conn, own, new.row.id)
    assert not await revoke_noted_key(conn, own, new.row.id)

    revoked, rotated, created = await list_entries(conn, own, limit=10)

    assert (created.action, created.target) == ("key.create", str(made.row.id))
    assert created.filter == {"scopes": "ingest read operate"}
    assert (rotated.action, rotated.target) == ("key.rotate", str(made.row.id))
    assert rotated.filter == {"replaced_by": str(new.row.id)}
    assert (revoked.action, revoked.target) == ("key.revoke", str(new.row.id))
    for entry in (revoked, rotated, created):
        assert (entry.key_id, entry.user_id, entry.count) == (None, NOBODY, 1)
        assert entry.key_name.startswith("command line")
