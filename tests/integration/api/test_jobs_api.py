"""How far jobs and queues are, at each step of a message's life."""

from __future__ import annotations

from typing import Any, LiteralString
from uuid import uuid4

import pytest
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.postgres.jobs import COUNT_MESSAGES
from tests.integration.api.conftest import Client
from tests.integration.api.one_api import ON_ONE_LOOP, app, client, conn, database, other_client
from tests.integration.api.told_problems import read_problem

__all__ = ["app", "client", "conn", "database", "other_client"]  # fixtures
pytestmark = ON_ONE_LOOP

Conn = AsyncConnection[TupleRow]
LEASE: LiteralString = """
UPDATE pgmq.q_memory_ingestion SET vt = now() + interval '1 minute', read_ct = read_ct + 1,
       last_read_at = now()
"""
FAIL: LiteralString = """
UPDATE pgmq.q_memory_ingestion SET vt = now() + interval '1 minute',
       headers = headers || '{"attempts": 1, "last_error": "ValueError: odd"}'
"""
GIVE_BACK: LiteralString = """
UPDATE pgmq.q_memory_ingestion SET vt = now() + interval '1 minute',
       headers = headers || '{"released": 1}'
"""
BURY: LiteralString = """
WITH dead AS (DELETE FROM pgmq.q_memory_ingestion RETURNING message, headers)
INSERT INTO pgmq.q_memory_ingestion_dlq (vt, message, headers)
SELECT now(), message, headers FROM dead
"""
ARCHIVE: LiteralString = (
    "SELECT pgmq.archive('memory_ingestion', msg_id) FROM pgmq.q_memory_ingestion"
)
REDRIVE: LiteralString = "SELECT faststream_pgmq.redrive('memory_ingestion')"


async def start_job(client: Client, chunks: int = 2) -> str:
    answer = await client.send_chunks(
        *({"chunkId": f"{uuid4()}", "content": "x"} for _ in range(chunks))
    )
    return answer.json()["jobId"]


async def job(client: Client, job_id: str) -> dict[str, Any]:
    answer = await client.get(f"/api/jobs/{job_id}")
    assert answer.status_code == 200
    return answer.json()


async def queue(client: Client, name: str = "memory_ingestion") -> dict[str, Any]:
    answer = await client.get("/api/queues")
    return next(one for one in answer.json()["queues"] if one["name"] == name)


async def test_a_jobs_state_follows_its_messages_at_each_step(client: Client, conn: Conn) -> None:
    job_id = await start_job(client)
    steps: list[tuple[LiteralString, str, dict[str, int], float]] = [
        ("SELECT 1", "waiting", {"waiting": 2}, 0.0),
        (LEASE, "running", {"running": 2}, 0.0),
        (FAIL, "retrying", {"retrying": 2}, 0.0),
        (LEASE, "running", {"running": 2}, 0.0),
        (BURY, "dead", {"dead": 2}, 100.0),
        (REDRIVE, "waiting", {"waiting": 2}, 0.0),
        (LEASE, "running", {"running": 2}, 0.0),
        (GIVE_BACK, "waiting", {"waiting": 2}, 0.0),
        (ARCHIVE, "done", {"done": 2}, 100.0),
        ("DELETE FROM pgmq.a_memory_ingestion", "done", {"gone": 2}, 100.0),
    ]
    for change, state, places, percent in steps:
        await conn.execute(change)
        seen = await job(client, job_id)
        counts = {place: number for place, number in seen["counts"].items() if number}
        assert (seen["state"], counts, seen["percent"]) == (state, places, percent), change


async def test_a_job_tells_its_last_error(client: Client, conn: Conn) -> None:
    job_id = await start_job(client)
    assert (await job(client, job_id))["lastError"] is None
    for change in (LEASE, FAIL):
        await conn.execute(change)
    assert (await job(client, job_id))["lastError"] == "ValueError: odd"
    await conn.execute(BURY)

    assert (await job(client, job_id))["lastError"] == "ValueError: odd"


async def test_a_job_in_which_nothing_changed_is_done(client: Client) -> None:
    chunk = {"chunkId": "c", "content": "x"}
    await client.send_chunks(chunk)
    again = await client.send_chunks(chunk)

    seen = await job(client, again.json()["jobId"])
    assert (seen["state"], seen["submitted"], seen["percent"]) == ("done", 0, 100.0)


async def test_another_workspaces_job_is_not_found(client: Client, other_client: Client) -> None:
    job_id = await start_job(client)

    answer = await other_client.get(f"/api/jobs/{job_id}")

    assert (answer.status_code, read_problem(answer)) == (404, {"error": "no such job"})
    assert (await other_client.get("/api/jobs")).json()["jobs"] == []


@pytest.mark.parametrize("job_id", ["x", "123", "%00", "0b1d3f0e-5f0c-4a39-9a3a-0e6f1c6b7d1z"])
async def test_a_job_id_that_is_none_is_refused(client: Client, job_id: str) -> None:
    answer = await client.get(f"/api/jobs/{job_id}")

    assert answer.status_code == 400
    assert answer.json()["details"][0]["field"] == "job_id"


async def test_jobs_are_paged_newest_first_without_gap_or_repetition(
    client: Client, conn: Conn
) -> None:
    started = [await start_job(client, 1) for _ in range(7)]
    # Jobs of one moment: the order must still be total.
    await conn.execute(
        "UPDATE jobs SET created_at = '2026-01-01' WHERE id = ANY(%s)", [started[:4]]
    )

    seen: list[str] = []
    before = None
    for _ in range(4):
        params = {"limit": 2, **({"before": before} if before else {})}
        page = (await client.get("/api/jobs", **params)).json()
        seen += [one["id"] for one in page["jobs"]]
        before = page["next"]
    assert before is None
    assert seen[:3] == started[:3:-1]
    assert sorted(seen) == sorted(started)


async def test_a_made_up_cursor_is_refused(client: Client) -> None:
    answer = await client.get("/api/jobs", before="x")

    assert answer.status_code == 400
    assert answer.json()["details"][0]["field"] == "before"


@pytest.mark.parametrize("limit", [0, 101, -1, "x", 1e30])
async def test_a_limit_out_of_range_is_refused(client: Client, limit: Any) -> None:
    answer = await client.get("/api/jobs", limit=limit)

    assert answer.status_code == 400
    assert answer.json()["details"][0]["field"] == "limit"


async def test_queue_counts_follow_the_messages(client: Client, conn: Conn) -> None:
    assert (await queue(client))["drained"]
    await start_job(client)
    steps: list[tuple[LiteralString, dict[str, int], bool]] = [
        ("SELECT 1", {"waiting": 2}, False),
        (LEASE, {"running": 2}, False),
        (FAIL, {"retrying": 2}, False),
        ("UPDATE pgmq.q_memory_ingestion SET vt = now()", {"waiting": 2}, False),
        (LEASE, {"running": 2}, False),
        (BURY, {"dead": 2}, True),
        (REDRIVE, {"waiting": 2}, False),
        (ARCHIVE, {}, True),
    ]
    for change, places, drained in steps:
        await conn.execute(change)
        seen = await queue(client)
        counts = {name: n for name, n in seen.items() if n and isinstance(n, int) and n is not True}
        assert (counts, seen["drained"]) == (places, drained), change


async def test_what_was_only_sent_for_later_does_not_keep_a_queue_from_being_drained(
    client: Client, conn: Conn
) -> None:
    await conn.execute("SELECT pgmq.send('summary_generation', '{}', 900)")

    seen = await queue(client, "summary_generation")
    assert (seen["delayed"], seen["drained"]) == (1, True)
    assert (await client.get("/api/queues")).json()["drained"]


async def test_headers_that_are_no_counts_do_no_harm(client: Client, conn: Conn) -> None:
    job_id = await start_job(client, 1)
    await conn.execute(LEASE)
    await conn.execute(
        """UPDATE pgmq.q_memory_ingestion
           SET headers = headers || '{"attempts": "many", "released": [1]}'"""
    )

    assert (await job(client, job_id))["counts"]["running"] == 1
    assert (await queue(client))["running"] == 1


async def test_counting_a_jobs_messages_uses_the_index_on_its_id(conn: Conn) -> None:
    for table in ("q_memory_ingestion", "a_memory_ingestion", "q_memory_ingestion_dlq"):
        await fill(conn, table)

    plan = await (
        await conn.execute("EXPLAIN " + COUNT_MESSAGES, {"job_ids": [str(uuid4())]})
    ).fetchall()

    for index in ("q_memory_ingestion_job", "a_memory_ingestion_job", "q_memory_ingestion_dlq_job"):
        assert f"{index} " in str(plan), plan
    assert "Seq Scan on q_memory_ingestion" not in str(plan)
    assert "Seq Scan on a_memory_ingestion" not in str(plan)


async def fill(conn: Conn, table: str) -> None:
    number = "msg_id, " if table.startswith("a_") else ""
    await conn.execute(
        f"""INSERT INTO pgmq.{table} ({number}vt, message, headers)
            SELECT {"n, " if number else ""}now(), '{{}}',
                   jsonb_build_object('job_id', gen_random_uuid())
            FROM generate_series(1, 5000) AS n""".encode()
    )
    await conn.execute(f"ANALYZE pgmq.{table}".encode())
