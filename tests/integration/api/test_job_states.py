"""A job's status is derived: it is right after each thing that a worker or an operator does."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.postgres.api_keys import hash_key
from tests.integration.api.conftest import Client
from tests.integration.api.working import Worker

Conn = AsyncConnection[TupleRow]


@pytest.fixture
def worker(conn: Conn) -> Worker:
    return Worker(conn)


async def start_job(client: Client, chunks: int = 3) -> str:
    answer = await client.send_chunks(
        *({"chunkId": f"{number}", "content": f"text {number}"} for number in range(chunks))
    )
    return answer.json()["jobId"]


async def status(client: Client, job_id: str) -> tuple[str, dict[str, int]]:
    """Return the job's word and its counts; the list and the job itself must agree."""
    seen: dict[str, Any] = (await client.get(f"/api/jobs/{job_id}")).json()
    listed = (await client.get("/api/jobs", state=seen["state"])).json()["jobs"]
    assert [(one["id"], one["counts"]) for one in listed] == [(job_id, seen["counts"])]
    states = [message["state"] for message in seen["messages"]]
    counts = {place: number for place, number in seen["counts"].items() if number}
    assert {state: states.count(state) for state in states} == {
        place: number for place, number in counts.items() if place != "gone"
    }
    return seen["state"], counts


async def cancel(client: Client, job_id: str, reason: str = "") -> dict[str, Any]:
    answer = await client.post(f"/api/jobs/{job_id}/cancel", {"reason": reason})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_jobs_status_is_right_through_retry_dead_letter_redrive_cancel_and_archive(
    client: Client, conn: Conn, worker: Worker
) -> None:
    job_id = await start_job(client)
    assert await status(client, job_id) == ("waiting", {"waiting": 3})

    good, odd, bad = await worker.take()
    assert await status(client, job_id) == ("running", {"running": 3})

    await worker.succeed(good)
    await worker.fail(odd)
    await worker.give_up(bad)
    assert await status(client, job_id) == ("retrying", {"done": 1, "retrying": 1, "dead": 1})

    await worker.wait_for_retries()
    (odd,) = await worker.take()
    await worker.give_up(odd)
    assert await status(client, job_id) == ("dead", {"done": 1, "dead": 2})

    await conn.execute("SELECT faststream_pgmq.redrive('memory_ingestion')")
    assert await status(client, job_id) == ("running", {"done": 1, "waiting": 2})

    (first,) = await worker.take(1)
    assert await cancel(client, job_id) == {"id": job_id, "cancelled": 1, "running": 1}
    assert await status(client, job_id) == ("running", {"done": 1, "running": 1, "cancelled": 1})

    await worker.succeed(first)
    assert await status(client, job_id) == ("cancelled", {"done": 2, "cancelled": 1})

    await conn.execute("DELETE FROM pgmq.a_memory_ingestion")
    assert (await client.get(f"/api/jobs/{job_id}")).json()["counts"]["gone"] == 3


async def test_what_fails_after_its_job_was_cancelled_is_not_tried_again(
    client: Client, worker: Worker
) -> None:
    job_id = await start_job(client, 2)
    failing, given_back = await worker.take()
    assert (await cancel(client, job_id))["running"] == 2

    await worker.fail(failing)
    await worker.fail(given_back)

    assert await status(client, job_id) == ("cancelled", {"cancelled": 2})
    await worker.wait_for_retries()
    assert await worker.take() == []


async def test_a_retry_and_a_delayed_message_are_cancelled_too(
    client: Client, conn: Conn, worker: Worker
) -> None:
    job_id = await start_job(client, 2)
    await conn.execute(
        "UPDATE pgmq.q_memory_ingestion SET vt = now() + interval '1 hour'"
        " WHERE msg_id = (SELECT max(msg_id) FROM pgmq.q_memory_ingestion)"
    )
    await worker.fail(*await worker.take())

    assert (await cancel(client, job_id))["cancelled"] == 2
    assert (await cancel(client, job_id))["cancelled"] == 0
    assert await status(client, job_id) == ("cancelled", {"cancelled": 2})


async def test_a_dead_letter_that_is_redriven_after_a_cancel_is_tried_as_often_as_others(
    client: Client, conn: Conn, worker: Worker
) -> None:
    job_id = await start_job(client, 1)
    (delivery,) = await worker.take()
    await cancel(client, job_id)
    await worker.give_up(delivery)
    await conn.execute("SELECT faststream_pgmq.redrive('memory_ingestion')")

    await worker.fail(*await worker.take())

    assert await status(client, job_id) == ("retrying", {"retrying": 1})


async def test_another_workspaces_job_is_neither_shown_nor_cancelled(
    client: Client, other_client: Client
) -> None:
    job_id = await start_job(client, 1)

    for answer in (
        await other_client.post(f"/api/jobs/{job_id}/cancel", {}),
        await other_client.get(f"/api/jobs/{job_id}/messages/memory_ingestion/queue/1"),
        await other_client.get(f"/api/jobs/{job_id}/events"),
    ):
        assert (answer.status_code, answer.json()["error"][:7]) == (404, "no such")
    assert await status(client, job_id) == ("waiting", {"waiting": 1})


async def test_a_cancel_needs_the_right_to_operate_and_is_noted_with_its_reason(
    client: Client, conn: Conn, app: FastAPI
) -> None:
    job_id = await start_job(client, 2)
    await cancel(client, job_id, "imported twice")

    noted = await conn.execute("SELECT action, target, count, reason, key_name FROM audit_log")
    assert await noted.fetchall() == [("job.cancel", job_id, 2, "imported twice", "test")]
    viewer = "UPDATE api_keys SET scopes = '{read}' WHERE key_hash = %s"
    await conn.execute(viewer, (hash_key(client.key),))
    app.state.parts.keys._known.clear()
    assert (await client.post(f"/api/jobs/{job_id}/cancel", {})).status_code == 403
