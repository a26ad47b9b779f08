"""Queues over HTTP: what is told of them, and pausing them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI

from shared.postgres.api_keys import create_key
from shared.postgres.audit import list_entries
from shared.postgres.queue_sampling import take_sample
from tests.integration.api.conftest import Client
from tests.integration.api.one_api import ON_ONE_LOOP, app, client, conn, database
from tests.integration.api.queue_builders import EAGER, SEND, Conn, archive, sample_twice
from tests.integration.api.watched_pool import watched

__all__ = ["app", "client", "conn", "database"]  # fixtures
pytestmark = ON_ONE_LOOP

QUEUE = "/api/queues/memory_ingestion"


async def find_queue(client: Client) -> dict[str, Any]:
    queues = (await client.get("/api/queues")).json()["queues"]
    return next(queue for queue in queues if queue["name"] == "memory_ingestion")


async def test_before_the_first_sample_queues_are_counted_all_the_same(client: Client) -> None:
    queue = await find_queue(client)

    assert (queue["waiting"], queue["sample"]) == (0, None)
    assert (await client.get(QUEUE)).status_code == 404


async def test_a_queue_tells_how_fast_it_moves_and_when_it_is_empty(
    client: Client, conn: Conn
) -> None:
    assert await take_sample(conn, EAGER)
    await conn.execute(SEND, (60,))
    await archive(conn, 360, wait=4.0, run=0.5)
    await sample_twice(conn)

    sample = (await find_queue(client))["sample"]

    seconds = sample["windowSeconds"]
    assert 300 <= seconds <= 361
    assert sample["arrivedPerSecond"] == pytest.approx(60 / seconds)
    assert sample["donePerSecond"] == pytest.approx(360 / seconds)
    assert sample["drainSeconds"] == pytest.approx(60 * seconds / 300)
    assert sample["waitSeconds"]["p95"] == pytest.approx(4.0, rel=0.25)
    assert sample["runSeconds"]["p50"] == pytest.approx(0.5, rel=0.25)
    assert (sample["consumers"], sample["rings"], sample["waiting"]) == (0, True, 60)


async def test_a_stalled_queue_is_not_idle(client: Client, conn: Conn) -> None:
    await conn.execute(SEND, (1,))
    await conn.execute("UPDATE pgmq.q_memory_ingestion SET vt = now() - interval '1 hour'")
    assert await take_sample(conn, EAGER)
    await conn.execute("UPDATE queue_samples SET consumers = 1")

    sample = (await find_queue(client))["sample"]

    assert sample["state"] == "stalled"
    assert sample["oldestSeconds"] == pytest.approx(3600, abs=5)
    assert (sample["donePerSecond"], sample["waitSeconds"]["p95"]) == (0, None)
    assert sample["drainSeconds"] is None


async def test_one_queue_is_told_over_time(client: Client, conn: Conn) -> None:
    assert await take_sample(conn, EAGER)
    await archive(conn, 10, wait=4.0, run=0.5)
    await sample_twice(conn)

    queue = (await client.get(QUEUE, minutes=10)).json()

    done = [point["done"] for point in queue["points"]]
    assert (sum(done), sum(queue["histogram"]["wait"])) == (10, 10)
    assert queue["stepSeconds"] == 60
    assert [point["complete"] for point in queue["points"]][-1] is False
    assert queue["storage"]["tableBytes"] > 0
    assert queue["limits"]["maxAttempts"] == 5
    since, until = (datetime.fromisoformat(queue[name]) for name in ("since", "until"))
    assert until - since == timedelta(minutes=10)


async def test_a_range_of_the_series_is_asked_for_by_its_ends(client: Client, conn: Conn) -> None:
    assert await take_sample(conn, EAGER)
    await conn.execute(
        "INSERT INTO queue_minutes (queue, minute, done)"
        " SELECT 'memory_ingestion', '2026-01-05 12:00Z'::timestamptz + n * interval '1 minute', 1"
        " FROM generate_series(0, 59) AS n"
    )
    ends = {"from": "2026-01-05T12:10:30Z", "to": "2026-01-05T12:20:00Z"}
    # Farther from UTC than Postgres knows.
    far = {"from": "2026-01-06T08:54:30+20:44", "to": "2026-01-06T09:04:00+20:44"}

    for asked in (ends, far):
        points = (await client.get(QUEUE, **asked)).json()["points"]
        assert [point["at"][11:16] for point in points] == [f"12:{n}" for n in range(10, 20)]
        assert all(point["complete"] for point in points)


async def test_a_range_that_is_none_is_refused(client: Client) -> None:
    queries: list[dict[str, Any]] = [
        {"minutes": 0},
        {"minutes": 20_161},
        {"from": "2026-01-05T12:00:00Z", "to": "2026-01-05T11:00:00Z"},
        {"from": "2026-01-05T12:00:00"},
        {"from": "2020-01-05T12:00:00Z"},
        {"to": "0001-01-01T00:00:00Z"},
        {"to": "9999-12-31T23:59:59Z"},
    ]
    for query in queries:
        assert (await client.get(QUEUE, **query)).status_code == 400, query


async def test_a_pause_is_told_to_everybody_and_noted(client: Client, conn: Conn) -> None:
    assert await take_sample(conn, EAGER)
    answer = await client.post(f"{QUEUE}/pause", {"reason": "Neo4j is moved"})
    assert answer.json() == {"name": "memory_ingestion", "paused": True, "changed": True}

    queue = await find_queue(client)
    assert (queue["paused"]["by"], queue["paused"]["reason"]) == ("test", "Neo4j is moved")
    assert queue["sample"]["state"] == "paused"
    again = await client.post(f"{QUEUE}/pause", {"reason": "still"})
    assert again.json()["changed"] is False
    assert (await find_queue(client))["paused"]["reason"] == "still"

    resumed = [(await client.post(f"{QUEUE}/resume", {})).json()["changed"] for _ in range(2)]
    assert resumed == [True, False]
    assert (await find_queue(client))["paused"] is None
    noted = [
        (entry.action, entry.target, entry.reason)
        for entry in await list_entries(conn, client.workspace_id, limit=10)
    ]
    assert noted[-1] == ("queue.pause", "memory_ingestion", "Neo4j is moved")
    assert [action for action, _, _ in noted].count("queue.pause") == 2


async def test_what_is_paused_is_not_read(client: Client, conn: Conn) -> None:
    await client.post(f"{QUEUE}/pause", {"reason": "test"})
    paused = await (await conn.execute("SELECT * FROM faststream_pgmq.paused_queues()")).fetchall()

    assert [(row[0], row[1], row[3]) for row in paused] == [("memory_ingestion", "test", "test")]


async def test_a_pause_needs_a_reason(client: Client) -> None:
    for body in ({}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 501}):
        assert (await client.post(f"{QUEUE}/pause", body)).status_code == 400, body


async def test_a_queue_that_does_not_exist_is_not_found(client: Client) -> None:
    for name in ("x", "memory_ingestion_dlq", "memory_ingestion'--", "%00"):
        answers = [
            await client.get(f"/api/queues/{name}"),
            await client.post(f"/api/queues/{name}/pause", {"reason": "x"}),
            await client.post(f"/api/queues/{name}/resume", {}),
        ]
        assert [answer.status_code for answer in answers] == [404] * 3, name


async def test_whoever_may_not_operate_sees_and_changes_nothing(
    client: Client, conn: Conn, app: FastAPI
) -> None:
    key = await create_key(
        conn, workspace_id=client.workspace_id, user_id=uuid4(), name="r", scopes=["read"]
    )
    client.http.headers["Authorization"] = f"Bearer {key}"
    answers = [
        await client.get("/api/queues"),
        await client.get(QUEUE),
        await client.post(f"{QUEUE}/pause", {"reason": "x"}),
        await client.post(f"{QUEUE}/resume", {}),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4


async def test_looking_at_queues_takes_two_statements_and_writes_nothing(
    client: Client, conn: Conn, app: FastAPI
) -> None:
    await sample_twice(conn)
    await client.get(QUEUE)
    for path in ("/api/queues", QUEUE):
        async with watched(app) as statements:
            assert (await client.get(path)).status_code == 200
        # The first one says whose workspace it is.
        assert len(statements) == 3, statements
