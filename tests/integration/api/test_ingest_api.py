"""Sending memories and source files: what is stored, queued and answered."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, dict_row

from tests.integration.api.conftest import Client
from tests.integration.api.one_api import ON_ONE_LOOP, app, client, conn, database, other_client

__all__ = ["app", "client", "conn", "database", "other_client"]  # fixtures
pytestmark = ON_ONE_LOOP

Conn = AsyncConnection[TupleRow]


async def rows(conn: Conn, query: Any) -> list[dict[str, Any]]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query)
        return await cursor.fetchall()


async def messages(conn: Conn) -> list[dict[str, Any]]:
    return await rows(conn, "SELECT message, headers FROM pgmq.q_memory_ingestion ORDER BY msg_id")


def chunk(name: str = "c1", content: str = "fix the parser", **metadata: Any) -> dict[str, Any]:
    return {"chunkId": name, "content": content, "metadata": metadata}


def file(path: str = "src/parser.py", content: str = "def parse(): ...") -> dict[str, Any]:
    return {"path": path, "content": content}


async def test_a_chunk_becomes_a_row_a_job_and_a_message(client: Client, conn: Conn) -> None:
    answer = await client.send_chunks(
        chunk(startTime="2026-01-31T09:30:00Z", messageType="user"),
        sessionId="s1",
        projectPath="/home/ada/src/engine",
    )

    assert answer.status_code == 202
    body = answer.json()
    assert (body["success"], body["queued"], body["unchanged"], body["failed"]) == (True, 1, 0, 0)
    (row,) = await rows(conn, "SELECT * FROM memories")
    assert body["results"] == [
        {"chunkId": "c1", "id": str(row["id"]), "status": "queued", "error": None}
    ]
    assert row["workspace_id"] == client.workspace_id
    assert row["user_id"] == client.user_id
    assert (row["session_id"], row["project_name"], row["type"]) == ("s1", "engine", "conversation")
    assert row["occurred_at"].isoformat() == "2026-01-31T09:30:00+00:00"
    (message,) = await messages(conn)
    assert message["message"] == {
        "type": "memory",
        "user_id": str(client.user_id),
        "workspace_id": client.workspace_id,
        "memory_id": str(row["id"]),
        "content": "fix the parser",
        "metadata": {"startTime": "2026-01-31T09:30:00Z", "messageType": "user"},
    }
    assert message["headers"]["job_id"] == body["jobId"]
    assert message["headers"]["group"] == client.workspace_id
    (job,) = await rows(conn, "SELECT * FROM jobs")
    assert (job["id"], job["kind"], job["submitted"]) == (UUID(body["jobId"]), "memory", 1)


async def test_the_same_chunk_again_is_unchanged_and_sends_nothing(
    client: Client, conn: Conn
) -> None:
    first = await client.send_chunks(chunk())
    second = await client.send_chunks(chunk())

    assert second.status_code == 202
    assert (second.json()["queued"], second.json()["unchanged"]) == (0, 1)
    assert second.json()["results"][0]["id"] == first.json()["results"][0]["id"]
    assert len(await messages(conn)) == 1


async def test_a_changed_chunk_replaces_its_row_and_is_queued_again(
    client: Client, conn: Conn
) -> None:
    first = await client.send_chunks(chunk(content="before"))
    second = await client.send_chunks(chunk(content="after"))

    assert second.json()["results"][0]["status"] == "queued"
    assert second.json()["results"][0]["id"] == first.json()["results"][0]["id"]
    assert [row["content"] for row in await rows(conn, "SELECT content FROM memories")] == ["after"]
    assert [one["message"]["content"] for one in await messages(conn)] == ["before", "after"]


async def test_changed_metadata_counts_as_a_change(client: Client) -> None:
    await client.send_chunks(chunk(topics=["a"]))
    again = await client.send_chunks(chunk(topics=["b"]))

    assert again.json()["queued"] == 1


async def test_two_workspaces_have_a_chunk_of_the_same_name_each(
    client: Client, other_client: Client, conn: Conn
) -> None:
    await client.send_chunks(chunk(content="ours"))
    theirs = await other_client.send_chunks(chunk(content="theirs"))

    assert theirs.json()["results"][0]["status"] == "queued"
    found = await rows(conn, "SELECT workspace_id, content FROM memories ORDER BY content")
    assert [row["content"] for row in found] == ["ours", "theirs"]
    assert found[0]["workspace_id"] != found[1]["workspace_id"]


async def test_concurrent_posts_of_the_same_chunks_give_one_row_each(
    client: Client, conn: Conn
) -> None:
    names = [f"c{number}" for number in range(50)]
    forwards = [chunk(name) for name in names]
    backwards = [chunk(name) for name in reversed(names)]

    answers = await asyncio.gather(
        *(client.send_chunks(*order) for order in (forwards, backwards) * 4)
    )

    assert [answer.status_code for answer in answers] == [202] * 8
    assert len(await rows(conn, "SELECT FROM memories")) == 50
    assert sum(answer.json()["queued"] for answer in answers) == 50
    assert len(await messages(conn)) == 50
    ids = {str(answer.json()["results"]) for answer in answers[::2]}
    assert len({result["id"] for result in answers[0].json()["results"]}) == 50
    assert ids


async def test_results_stand_in_the_order_of_the_request(client: Client) -> None:
    answer = await client.send_chunks(chunk("z"), chunk("a"), chunk("m"))

    assert [result["chunkId"] for result in answer.json()["results"]] == ["z", "a", "m"]


async def test_a_commit_is_stored_as_one(client: Client, conn: Conn) -> None:
    await client.send_chunks(chunk("c1", source="git"), chunk("c2", type="commit"), chunk("c3"))

    found = await rows(conn, "SELECT type FROM memories ORDER BY chunk_id")
    assert [row["type"] for row in found] == ["commit", "commit", "conversation"]


async def test_a_worktree_belongs_to_its_repository(client: Client, conn: Conn) -> None:
    await client.send_chunks(chunk(), projectPath="/home/ada/src/engine/.worktrees/fix-1")

    assert (await rows(conn, "SELECT project_name FROM memories"))[0]["project_name"] == "engine"


async def test_a_project_name_wins_over_the_path(client: Client, conn: Conn) -> None:
    await client.send_chunks(chunk(), projectPath="/home/ada/src/engine", projectName="motor")

    assert (await rows(conn, "SELECT project_name FROM memories"))[0]["project_name"] == "motor"


async def test_a_secret_reaches_neither_row_nor_message(client: Client, conn: Conn) -> None:
    token = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
    answer = await client.send_chunks(chunk(content=f"token {token}", summary=f"uses {token}"))

    assert answer.status_code == 202
    stored = str(await rows(conn, "SELECT content, metadata FROM memories"))
    assert token not in stored
    assert token not in str(await messages(conn))


async def test_source_files_become_rows_and_messages(client: Client, conn: Conn) -> None:
    body = {
        "projectPath": "/home/ada/src/engine",
        "files": [{**file(), "lastModified": "2026-01-31T09:30:00Z"}, file("Makefile", "all:")],
    }

    answer = await client.post("/api/ingest/code", body)

    assert answer.status_code == 202
    assert answer.json()["queued"] == 2
    found = await rows(conn, "SELECT * FROM code_entities ORDER BY path")
    assert [(row["path"], row["name"], row["language"]) for row in found] == [
        ("Makefile", "Makefile", "make"),
        ("src/parser.py", "parser.py", "python"),
    ]
    assert {row["project_name"] for row in found} == {"engine"}
    sent = await messages(conn)
    assert {one["message"]["code_entity_id"] for one in sent} == {str(row["id"]) for row in found}
    assert {one["message"]["type"] for one in sent} == {"code"}
    assert all("content" not in one["message"] for one in sent)


async def test_the_same_file_again_is_unchanged(client: Client, conn: Conn) -> None:
    body = {"projectPath": "/src/engine", "files": [file()]}
    await client.post("/api/ingest/code", body)

    again = await client.post("/api/ingest/code", body)

    assert (again.json()["queued"], again.json()["unchanged"]) == (0, 1)
    assert len(await messages(conn)) == 1


async def test_two_projects_have_a_file_of_the_same_path_each(client: Client, conn: Conn) -> None:
    for project in ("/src/engine", "/src/motor"):
        await client.post("/api/ingest/code", {"projectPath": project, "files": [file()]})

    assert len(await rows(conn, "SELECT FROM code_entities")) == 2


async def test_one_hundred_chunks_and_fifty_files_are_accepted(client: Client) -> None:
    chunks = await client.send_chunks(*(chunk(f"c{number}") for number in range(100)))
    files = await client.post(
        "/api/ingest/code",
        {"projectPath": "/src/engine", "files": [file(f"f{number}.py") for number in range(50)]},
    )

    assert (chunks.json()["queued"], files.json()["queued"]) == (100, 50)
