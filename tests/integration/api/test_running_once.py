"""A request that comes twice with one Idempotency-Key runs once."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.postgres.api_keys import SCOPES, list_keys
from shared.postgres.idempotent_requests import CLAIMS_BETWEEN_SWEEPS
from tests.integration.api.conftest import Client
from tests.integration.api.letters import client_with
from tests.integration.api.route_table import READING_POSTS, keyed_routes
from tests.integration.api.told_problems import read_problem

Conn = AsyncConnection[TupleRow]
DETECT = "/api/patterns/detect"
ONCE = {"Idempotency-Key": "one"}
HARMLESS = {
    "/api/queues/{name}/pause": "a paused queue stays paused",
    "/api/queues/{name}/resume": "a queue that runs goes on",
    "/api/jobs/{job_id}/cancel": "what is cancelled stays so",
    "/api/operations/{operation_id}/cancel": "what is over stays as it is",
    "/api/patterns/{pattern_id}/review": "the same is said of the pattern again",
    "/api/dead-letters/{queue}/{letter_id}/raw": "each look is noted",
    **READING_POSTS,
}
"""POSTs without the header, and why none is needed."""


async def ask(client: Client, key: str, body: dict[str, Any] | None = None) -> httpx.Response:
    return await client.http.post(DETECT, json=body or {}, headers={"Idempotency-Key": key})


async def count_jobs(conn: Conn) -> int:
    row = await (await conn.execute("SELECT count(*) FROM jobs")).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_request_sent_again_is_answered_as_before(client: Client, conn: Conn) -> None:
    first, again = await ask(client, "one"), await ask(client, "one")

    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    assert await count_jobs(conn) == 1


async def test_ten_at_the_same_moment_run_once(client: Client, conn: Conn) -> None:
    answers = await asyncio.gather(*(ask(client, "same") for _ in range(10)))

    assert len({answer.json()["jobId"] for answer in answers}) == 1
    assert await count_jobs(conn) == 1


async def test_a_key_stands_for_one_request(client: Client) -> None:
    await ask(client, "one")

    refused = await ask(client, "one", {"limit": 7})

    assert refused.status_code == 400
    assert refused.json()["details"][0]["field"] == "Idempotency-Key"


async def test_another_workspace_may_choose_the_same_key(
    client: Client, other_client: Client
) -> None:
    ours, theirs = await ask(client, "one"), await ask(other_client, "one")

    assert ours.json()["jobId"] != theirs.json()["jobId"]


async def test_a_request_that_failed_may_be_sent_again(client: Client) -> None:
    unknown = await ask(client, "one", {"patternTypes": ["nonsense"]})
    assert unknown.status_code == 400

    assert (await ask(client, "one")).status_code == 202


async def test_an_answer_is_forgotten_after_a_day(client: Client, conn: Conn) -> None:
    first = await ask(client, "one")
    await conn.execute("UPDATE idempotent_requests SET created_at = now() - interval '25 hours'")

    later = await ask(client, "one")

    assert later.json()["jobId"] != first.json()["jobId"]
    assert await count_jobs(conn) == 2


async def test_old_answers_do_not_pile_up(client: Client, conn: Conn) -> None:
    await asyncio.gather(*(ask(client, f"old-{n}") for n in range(20)))
    await conn.execute("UPDATE idempotent_requests SET created_at = now() - interval '25 hours'")

    for n in range(CLAIMS_BETWEEN_SWEEPS):
        await ask(client, f"new-{n}")

    kept = await (await conn.execute("SELECT key FROM idempotent_requests")).fetchall()
    assert {key for (key,) in kept} == {f"new-{n}" for n in range(CLAIMS_BETWEEN_SWEEPS)}


async def test_a_key_of_control_characters_is_refused(client: Client) -> None:
    assert (await ask(client, "a b")).status_code == 400
    assert (await ask(client, "x" * 201)).status_code == 400


async def test_memories_sent_again_are_one_job(client: Client, conn: Conn) -> None:
    # A broken item and a lone surrogate are part of what came, too.
    body = (
        rb'{"chunks": [{"chunkId": "a", "content": "text"}, {"chunkId": 7}, {"chunkId": "\ud800"}]}'
    )
    headers = {"Idempotency-Key": "one", "Content-Type": "application/json"}
    first, again = [
        await client.http.post("/api/ingest/memory", content=body, headers=headers)
        for _ in range(2)
    ]

    assert first.status_code == 202
    assert first.json() == again.json()
    assert (first.json()["queued"], first.json()["failed"]) == (1, 2)
    assert await count_jobs(conn) == 1


async def test_every_post_runs_once_or_may_run_twice(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    posts = {path for method, path in keyed_routes(app) if method == "POST"}

    for path in posts:
        given = {one["name"] for one in described(paths, path, "post").get("parameters", [])}
        assert ("Idempotency-Key" in given) != (path in HARMLESS), path
    assert HARMLESS.keys() <= posts


def described(paths: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    return paths[path.replace(":path", "")][method]


async def test_a_key_that_was_made_is_not_made_again_nor_kept_to_be_told(
    app: FastAPI, client: Client, conn: Conn
) -> None:
    async with client_with(app, conn, client.workspace_id, *SCOPES) as admin:
        first, again = await post_twice(admin, "/api/keys", {"name": "laptop"})
        made = first.json()["details"]["id"]
        path = f"/api/keys/{made}/rotate"
        rotated, refused = [
            await admin.http.post(path, json={}, headers={"Idempotency-Key": "two"})
            for _ in range(2)
        ]
    for one, answer in ((first, again), (rotated, refused)):
        assert (one.status_code, answer.status_code) == (201, 409)
        assert answer.json()["type"] == "/problems/answered-before"
        assert one.json()["details"]["id"] in read_problem(answer)["error"]
    assert len(await list_keys(conn, client.workspace_id)) == 4
    kept = str(await (await conn.execute("SELECT * FROM idempotent_requests")).fetchall())
    assert made in kept
    assert not any(one.json()["key"] in kept for one in (first, rotated))


async def post_twice(client: Client, path: str, body: Any) -> list[httpx.Response]:
    return [await client.http.post(path, json=body, headers=ONCE) for _ in range(2)]


async def test_a_summary_that_was_asked_for_is_not_asked_for_again(client: Client) -> None:
    await client.send_chunks({"chunkId": "a", "content": "text"}, projectName="shop")

    first, again = await post_twice(client, "/api/projects/shop/summary", None)

    assert (first.status_code, first.json()) == (202, again.json())


async def test_what_was_deleted_is_answered_for_as_before(client: Client) -> None:
    await client.send_chunks({"chunkId": "a", "content": "text"})

    first, again = [await client.http.delete("/api/memories/a", headers=ONCE) for _ in range(2)]

    assert (first.status_code, first.json()) == (202, again.json())
    assert (await client.delete("/api/memories/a")).status_code == 404
