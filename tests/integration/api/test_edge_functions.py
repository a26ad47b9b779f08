"""The old system's edge functions, under their old paths."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from psycopg import AsyncConnection
from psycopg.rows import TupleRow, dict_row

from tests.integration.api.conftest import Client
from tests.integration.api.one_api import ON_ONE_LOOP, app, client, conn, database, other_client

__all__ = ["app", "client", "conn", "database", "other_client"]  # fixtures
pytestmark = ON_ONE_LOOP
Conn = AsyncConnection[TupleRow]
MEMORIES = "/functions/v1/queue-memory-ingestion"
PATTERNS = "/functions/v1/queue-pattern-detection"


async def rows(conn: Conn, query: Any) -> list[dict[str, Any]]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query)
        return await cursor.fetchall()


async def sent(conn: Conn, queue: str = "memory_ingestion") -> list[dict[str, Any]]:
    return await rows(conn, f"SELECT message, headers FROM pgmq.q_{queue} ORDER BY msg_id")


async def sent_metadata(conn: Conn) -> list[Any]:
    return [one["message"]["metadata"] for one in await sent(conn)]


def memory(client: Client, **changes: Any) -> dict[str, Any]:
    return {
        "type": "memory",
        "user_id": str(uuid4()),
        "workspace_id": client.workspace_id,
        "memory_id": str(uuid4()),
        "content": "fix the parser",
        "metadata": {},
        **changes,
    }


async def test_a_memory_message_becomes_a_row_and_a_message(client: Client, conn: Conn) -> None:
    message = memory(client, metadata={"chunkId": "c1", "startTime": "2026-01-31T09:30:00Z"})

    answer = await client.post(MEMORIES, message)

    assert answer.status_code == 202
    assert (answer.json()["queued"], answer.json()["id"]) == (1, message["memory_id"])
    (row,) = await rows(conn, "SELECT * FROM memories")
    assert (str(row["id"]), row["chunk_id"]) == (message["memory_id"], "c1")
    assert str(row["user_id"]) == message["user_id"]
    assert row["occurred_at"].isoformat() == "2026-01-31T09:30:00+00:00"
    (queued,) = await sent(conn)
    assert queued["message"].items() >= message.items()
    assert queued["headers"]["job_id"] == answer.json()["jobId"]


@pytest.mark.parametrize(
    "sent",
    [
        1_769_851_800,
        1_769_851_800_000,
        "1769851800",
        "2026-01-31T09:30:00",
        "2026-01-31T10:30:00+01:00",
    ],
)
@pytest.mark.parametrize("name", ["startTime", "timestamp"])
async def test_a_time_is_stored_and_queued_as_the_api_read_it(
    client: Client, conn: Conn, name: str, sent: Any
) -> None:
    answer = await client.post(MEMORIES, memory(client, metadata={name: sent, "n": 1}))

    assert answer.status_code == 202
    (row,) = await rows(conn, "SELECT occurred_at AT TIME ZONE 'UTC' AS time FROM memories")
    assert row["time"].isoformat() == "2026-01-31T09:30:00"
    (queued,) = await sent_metadata(conn)
    assert queued == {name: "2026-01-31T09:30:00Z", "n": 1}


async def test_a_bare_workspace_uuid_is_accepted_and_kept(client: Client, conn: Conn) -> None:
    bare = client.workspace_id.removeprefix("team:")

    answer = await client.post(MEMORIES, memory(client, workspace_id=bare))

    assert answer.status_code == 202
    assert [row["workspace_id"] for row in await rows(conn, "SELECT * FROM memories")] == [bare]
    assert [one["message"]["workspace_id"] for one in await sent(conn)] == [bare]


async def test_a_bare_workspace_uuid_finds_a_memory_stored_under_the_full_one(
    client: Client, conn: Conn
) -> None:
    first = memory(client)
    await client.post(MEMORIES, first)
    bare = client.workspace_id.removeprefix("team:")

    again = await client.post(MEMORIES, {**first, "workspace_id": bare, "content": "changed"})

    assert again.status_code == 202
    (row,) = await rows(conn, "SELECT workspace_id, content FROM memories")
    assert (row["workspace_id"], row["content"]) == (client.workspace_id, "changed")


async def test_a_memory_sent_again_replaces_its_row(client: Client, conn: Conn) -> None:
    message = memory(client)
    await client.post(MEMORIES, message)
    again = await client.post(MEMORIES, {**message, "content": "changed"})

    assert again.status_code == 202
    assert [row["content"] for row in await rows(conn, "SELECT * FROM memories")] == ["changed"]
    assert len(await sent(conn)) == 2


async def test_a_chunk_stored_under_another_id_keeps_that_id(client: Client, conn: Conn) -> None:
    stored = await client.send_chunks({"chunkId": "c1", "content": "before"})
    kept = stored.json()["results"][0]["id"]

    answer = await client.post(MEMORIES, memory(client, metadata={"chunkId": "c1"}))

    assert (answer.status_code, answer.json()["id"]) == (202, kept)
    assert [str(row["id"]) for row in await rows(conn, "SELECT id FROM memories")] == [kept]
    assert [one["message"]["memory_id"] for one in await sent(conn)] == [kept, kept]


async def test_a_memory_id_of_another_workspace_is_forbidden_and_left_alone(
    client: Client, other_client: Client, conn: Conn
) -> None:
    theirs = memory(other_client)
    await other_client.post(MEMORIES, theirs)

    answer = await client.post(MEMORIES, memory(client, memory_id=theirs["memory_id"]))

    assert answer.status_code == 403
    assert other_client.workspace_id not in answer.text
    (row,) = await rows(conn, "SELECT * FROM memories")
    assert (row["workspace_id"], row["content"]) == (other_client.workspace_id, theirs["content"])
    assert len(await sent(conn)) == 1


async def test_another_workspace_in_the_message_is_forbidden(client: Client, conn: Conn) -> None:
    for workspace_id in (f"team:{uuid4()}", str(uuid4()), f"user:{uuid4()}"):
        answer = await client.post(MEMORIES, memory(client, workspace_id=workspace_id))
        assert answer.status_code == 403
        assert answer.json()["error"].startswith("workspace_id")
        detection = {"batch_id": str(uuid4()), "workspace_id": workspace_id}
        assert (await client.post(PATTERNS, detection)).status_code == 403
    assert await rows(conn, "SELECT FROM memories") == []
    assert await sent(conn, "pattern_detection") == []


async def test_a_stored_file_can_be_queued_again(client: Client, conn: Conn) -> None:
    stored = await client.post(
        "/api/ingest/code",
        {"projectPath": "/src/engine", "files": [{"path": "a.py", "content": "x = 1"}]},
    )
    entity_id = stored.json()["results"][0]["id"]
    message: dict[str, Any] = {
        "type": "code",
        "user_id": str(uuid4()),
        "workspace_id": client.workspace_id,
        "code_entity_id": entity_id,
        "metadata": {},
    }

    answer = await client.post(MEMORIES, message)

    assert answer.status_code == 202
    assert (await sent(conn))[-1]["message"] == message


async def test_a_file_of_another_workspace_is_not_found(
    client: Client, other_client: Client
) -> None:
    stored = await other_client.post(
        "/api/ingest/code",
        {"projectPath": "/src/engine", "files": [{"path": "a.py", "content": "x = 1"}]},
    )
    message = {
        "type": "code",
        "user_id": str(uuid4()),
        "workspace_id": client.workspace_id,
        "code_entity_id": stored.json()["results"][0]["id"],
    }

    theirs = await client.post(MEMORIES, message)
    nobodys = await client.post(MEMORIES, {**message, "code_entity_id": str(uuid4())})

    assert (theirs.status_code, theirs.json()) == (404, nobodys.json())


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "other"},
        {"type": None},
        {"memory_id": "x"},
        {"memory_id": None},
        {"user_id": 5},
        {"workspace_id": "team:x"},
        {"workspace_id": None},
        {"content": None},
        {"content": ""},
        {"content": "a\x00"},
        {"content": "\ud800"},
        {"metadata": "text"},
        {"metadata": {"a": "\x00"}},
        {"metadata": {"chunkId": "x" * 5000}},
        {"metadata": {"chunkId": {"a": 1}}},
        {"metadata": {"startTime": "yesterday"}},
    ],
)
async def test_a_wrong_message_is_refused_and_leaves_nothing(
    client: Client, conn: Conn, changes: dict[str, Any]
) -> None:
    body = json.dumps(memory(client, **changes)).encode()
    answer = await client.http.post(
        MEMORIES, content=body, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 400, answer.text
    assert (await rows(conn, "SELECT FROM memories"), await sent(conn)) == ([], [])


async def test_a_detection_message_is_queued(client: Client, conn: Conn) -> None:
    message = {
        "batch_id": str(uuid4()),
        "pattern_types": ["debugging", "memory_code"],
        "limit": 50,
        "user_id": str(uuid4()),
        "workspace_id": client.workspace_id,
    }

    answer = await client.post(PATTERNS, message)

    assert (answer.status_code, answer.json()["id"]) == (202, message["batch_id"])
    (queued,) = await sent(conn, "pattern_detection")
    assert queued["message"].items() >= message.items()
    assert queued["headers"]["job_id"] == answer.json()["jobId"]


@pytest.mark.parametrize("path", [PATTERNS, "/api/patterns/detect"])
async def test_an_unknown_pattern_type_is_refused_with_those_that_are_known(
    client: Client, conn: Conn, path: str
) -> None:
    types = {"pattern_types": ["debuging"], "workspace_id": client.workspace_id}

    answer = await client.post(path, types)

    assert answer.status_code == 400
    assert "'debuging'; known: debugging, learning" in answer.text
    assert await sent(conn, "pattern_detection") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"limit": 0},
        {"limit": 10**30},
        {"limit": "x"},
        {"pattern_types": "debugging"},
        {"pattern_types": ["a\x00"]},
        {"batch_id": "x"},
        {"workspace_id": 5},
    ],
)
async def test_a_wrong_detection_message_is_refused(
    client: Client, conn: Conn, changes: dict[str, Any]
) -> None:
    answer = await client.post(PATTERNS, {"workspace_id": client.workspace_id, **changes})

    assert answer.status_code == 400, answer.text
    assert await sent(conn, "pattern_detection") == []
