"""What happened to a job in the order of time, and what it wrote: from what is stored anyway."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from shared.postgres.job_history import FIND_HISTORY
from tests.integration.api.conftest import Client
from tests.integration.api.test_job_states import cancel, start_job
from tests.integration.api.working import Worker

Conn = AsyncConnection[TupleRow]


@pytest.fixture
def worker(conn: Conn) -> Worker:
    return Worker(conn)


async def detail(client: Client, job_id: str) -> dict[str, Any]:
    return (await client.get(f"/api/jobs/{job_id}")).json()


async def events(client: Client, job_id: str) -> list[tuple[str, int, str]]:
    found = (await detail(client, job_id))["events"]
    assert [one["at"] for one in found] == sorted(one["at"] for one in found)
    return [(one["kind"], one["count"], one["text"]) for one in found]


async def save_span(conn: Conn, client: Client, trace_id: str, **span: Any) -> None:
    given: dict[str, Any] = {
        "trace_id": trace_id,
        "span_id": uuid4().hex[:16],
        "service": "supastate-ingest",
        "name": "process memory_ingestion",
        "kind": "consumer",
        "status": "unset",
        "started_at": "2026-11-25T12:00:00Z",
        "duration_ms": 1.0,
        "links": [],
        "workspace_id": client.workspace_id,
        **span,
    }
    await conn.execute("SELECT save_spans(%s)", (Jsonb([given]),))


async def test_what_happened_is_told_in_order_from_the_request_to_the_end(
    client: Client, conn: Conn, worker: Worker
) -> None:
    job_id = await start_job(client, 3)
    done, failed, dead = await worker.take()
    await worker.succeed(done)
    await worker.fail(failed, error="ValueError: odd")
    await worker.give_up(dead, error="TypeError: worse")

    assert await events(client, job_id) == [
        ("asked", 3, "3 messages"),
        ("taken", 1, ""),
        ("done", 1, ""),
        ("dead", 1, "TypeError: worse"),
        ("retry", 1, "ValueError: odd"),
    ]
    await cancel(client, job_id, "imported twice")
    told = await events(client, job_id)
    assert told[-2:] == [("cancel", 1, "by test: imported twice"), ("cancelled", 1, "")]


async def test_a_letter_that_was_sent_again_shows(
    client: Client, conn: Conn, worker: Worker
) -> None:
    job_id = await start_job(client, 1)
    await conn.execute("UPDATE jobs SET created_at = created_at - interval '1 minute'")
    await worker.give_up(*await worker.take())
    assert [kind for kind, _, _ in await events(client, job_id)] == ["asked", "dead"]
    await conn.execute("SELECT faststream_pgmq.redrive('memory_ingestion')")

    assert [kind for kind, _, _ in await events(client, job_id)] == ["asked", "sent"]


async def test_the_same_thing_of_many_messages_is_one_event(client: Client, worker: Worker) -> None:
    job_id = await start_job(client, 30)
    await worker.succeed(*await worker.take(100))

    told = (await detail(client, job_id))["events"]

    assert [(one["kind"], one["count"]) for one in told] == [
        ("asked", 30),
        ("taken", 30),
        ("done", 30),
    ]
    assert len(told[1]["traceId"]) == 32


async def test_failed_attempts_are_told_as_long_as_their_spans_are_kept(
    client: Client, other_client: Client, conn: Conn
) -> None:
    job_id, trace_id = await start_job(client, 1), uuid4().hex
    attributes = {
        "supastate.job_id": job_id,
        "messaging.operation.name": "process",
        "messaging.destination.name": "memory_ingestion",
        "messaging.message.id": "7",
        "messaging.pgmq.message.attempt": 2,
        "error.type": "GraphError",
    }
    await save_span(conn, client, trace_id, status="error", attributes=attributes)
    strange = attributes | {"error.type": "StrangersError"}
    await save_span(conn, other_client, uuid4().hex, status="error", attributes=strange)

    [failed] = [one for one in (await detail(client, job_id))["events"] if one["kind"] == "failed"]

    assert (failed["text"], failed["messageId"]) == ("attempt 2: GraphError", 7)
    assert (failed["traceId"], failed["queue"]) == (trace_id, "memory_ingestion")


async def test_what_a_job_wrote_is_listed_with_its_place(
    client: Client, conn: Conn, worker: Worker
) -> None:
    job_id, pattern_id = await start_job(client, 3), str(uuid4())
    written, removed, waiting = await worker.take()
    await worker.succeed(written, removed)
    ids = [json.loads(one.text)["memory_id"] for one in (written, removed, waiting)]
    await conn.execute("DELETE FROM memories WHERE id = %s", (ids[1],))
    attributes = {
        "supastate.job_id": job_id,
        "supastate.pattern.type": "debugging",
        "supastate.pattern.ids": f"{pattern_id},no-id",
    }
    for _ in range(2):  # found, and found again
        await save_span(conn, client, uuid4().hex, name="detect x", attributes=attributes)

    produced = (await detail(client, job_id))["produced"]

    assert {(one["kind"], one["id"], one["title"], one["isThere"]) for one in produced} == {
        ("memory", ids[0], "text 0", True),
        ("memory", ids[1], None, False),
        ("pattern", pattern_id, "debugging", True),
    }
    assert len(produced) == 3
    assert {one["path"] for one in produced} >= {f"/api/patterns/{pattern_id}"}


async def test_of_much_some_is_listed_and_said_so(
    client: Client, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.postgres.job_history.MOST_PRODUCED", 2)
    monkeypatch.setattr("services.api.job_history.MOST_PRODUCED", 2)
    job_id = await start_job(client, 4)
    await worker.succeed(*await worker.take())

    seen = await detail(client, job_id)

    assert (len(seen["produced"]), seen["producedMore"]) == (2, True)


async def test_a_jobs_history_is_read_by_indexes(conn: Conn) -> None:
    await conn.execute("""
        INSERT INTO pgmq.a_memory_ingestion (msg_id, read_ct, enqueued_at, vt, message, headers)
        SELECT n, 1, now(), now(), '{}', jsonb_build_object('job_id', gen_random_uuid())
        FROM generate_series(1, 20000) AS n;
        INSERT INTO audit_log (workspace_id, key_name, user_id, action, target)
        SELECT 'team:' || n % 100, '', gen_random_uuid(), 'job.cancel', n
        FROM generate_series(1, 20000) AS n;
        INSERT INTO spans (trace_id, span_id, service, name, kind, status, started_at, duration_ms)
        SELECT n / 10, n, '', '', '', 'unset', now(), 1 FROM generate_series(1, 20000) AS n;
        INSERT INTO traces (workspace_id, trace_id, started_at, ended_at, name, spans, errors,
                            services, job_id)
        SELECT 'team:x', n, now(), now(), '', 1, 0, '{}', gen_random_uuid()
        FROM generate_series(1, 20000) AS n;
        ANALYZE pgmq.a_memory_ingestion, audit_log, spans, traces
    """)
    job_id = UUID(int=7)
    values = {
        "job_id": job_id,
        "job_text": str(job_id),
        "groups": ["team:x"],
        "created_at": "2026-11-25T12:00:00Z",
        "traces": 100,
        "failures": 100,
        "cancels": 20,
        "produced": 50,
        "characters": 100,
    }
    rows = await (await conn.execute("EXPLAIN " + FIND_HISTORY, values)).fetchall()
    plan = "\n".join(str(row[0]) for row in rows)
    for table in ("a_memory_ingestion", "audit_log", "spans", "traces"):
        assert f"Seq Scan on {table}" not in plan, plan
        assert table in plan
