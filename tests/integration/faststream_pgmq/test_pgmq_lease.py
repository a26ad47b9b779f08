"""Leases: the heartbeat, the fence, what a stop gives back, and which index a claim uses."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, LiteralString

import pytest
from faststream.exceptions import StopConsume
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from faststream_pgmq import Pause, PgmqBroker, queries
from tests.integration.faststream_pgmq.conftest import BrokerFactory
from tests.integration.faststream_pgmq.support import (
    Job,
    eventually,
    fetch_all,
    is_drained,
    until,
)


async def test_a_handler_may_take_longer_than_the_visibility_timeout(
    make_broker: BrokerFactory, sql: AsyncConnection[Any]
) -> None:
    calls: list[int] = []
    other: list[int] = []
    slow, fast = make_broker(), make_broker(poll_interval=0.1)

    @slow.subscriber("jobs", visibility_timeout=0.6)
    async def handle(job: Job) -> None:
        calls.append(job.n)
        await asyncio.sleep(1.8)

    @fast.subscriber("jobs")
    async def steal(job: Job) -> None:
        other.append(job.n)

    await slow.start()
    await slow.publish(Job(n=1), "jobs")
    await until(lambda: calls)
    await fast.start()
    await eventually(lambda: is_drained(sql))

    assert (calls, other) == ([1], [])


async def test_an_acknowledgement_is_refused_once_the_lease_was_lost(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    calls: list[int] = []
    go_on = asyncio.Event()

    subscriber = broker.subscriber("jobs", batch=True)

    @subscriber
    @broker.publisher("results")
    async def handle(jobs: list[Job]) -> Job:
        calls.extend(job.n for job in jobs)
        await go_on.wait()
        return jobs[0]

    await broker.start()
    await broker.publish(Job(n=1), "jobs")
    await until(lambda: calls)
    # Somebody else read it, because this consumer was frozen for too long.
    await sql.execute("UPDATE pgmq.q_jobs SET read_ct = read_ct + 1")
    go_on.set()
    await until(lambda: subscriber.refused)

    assert subscriber.refused == 1
    assert not await is_drained(sql)
    assert await fetch_all(sql, "SELECT 1 FROM pgmq.q_results") == []


async def test_a_stop_finishes_what_runs_and_gives_back_the_rest(
    make_broker: BrokerFactory, sql: AsyncConnection[Any]
) -> None:
    broker = make_broker(graceful_timeout=5.0)
    began: list[int] = []

    @broker.subscriber("jobs")
    async def handle(job: Job) -> None:
        began.append(job.n)
        await asyncio.sleep(0.3 if job.n == 9 else 0)

    await broker.connect()
    await broker.publish_batch(*(Job(n=n) for n in range(60)), queue="jobs")
    await broker.start()
    await until(lambda: 9 in began)
    await broker.stop()

    done = await fetch_all(sql, "SELECT message->'n' FROM pgmq.a_jobs ORDER BY msg_id")
    assert done == began
    left = "SELECT count(*) FROM pgmq.q_jobs WHERE vt <= now() AND NOT headers ? 'attempts'"
    assert await fetch_all(sql, left) == [60 - len(done)]


async def test_a_handler_that_outlasts_the_graceful_timeout_is_given_back(
    make_broker: BrokerFactory, sql: AsyncConnection[Any]
) -> None:
    broker = make_broker(graceful_timeout=0.1)
    began: list[int] = []

    @broker.subscriber("jobs", batch=True)
    async def handle(jobs: list[Job]) -> None:
        began.extend(job.n for job in jobs)
        await asyncio.Event().wait()

    await broker.start()
    await broker.publish(Job(n=1), "jobs")
    await until(lambda: began)
    await broker.stop()

    query = "SELECT vt <= now(), headers->'released', headers ? 'attempts' FROM pgmq.q_jobs"
    assert await fetch_all(sql, query) == [(True, 1, False)]


async def test_a_subscriber_stops_itself_and_gives_the_message_back(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    subscriber = broker.subscriber("jobs")

    @subscriber
    async def handle(job: Job) -> None:
        raise StopConsume

    await broker.start()
    await broker.publish(Job(n=1), "jobs")
    await until(lambda: not subscriber.running)

    query = "SELECT 1 FROM pgmq.q_jobs WHERE vt <= now() AND headers ? 'released'"
    await eventually(lambda: fetch_all(sql, query))


async def test_subscribers_stop_at_the_same_time(
    make_broker: BrokerFactory, sql: AsyncConnection[Any]
) -> None:
    broker = make_broker(graceful_timeout=5.0)
    began: list[str] = []

    @broker.subscriber("jobs")
    async def handle_job(job: Job) -> None:
        began.append("job")
        await asyncio.sleep(1.0)

    @broker.subscriber("results")
    async def handle_result(job: Job) -> None:
        began.append("result")
        await asyncio.sleep(1.0)

    await broker.start()
    await broker.publish(Job(n=1), "jobs")
    await broker.publish(Job(n=1), "results")
    await until(lambda: len(began) == 2)
    clock = asyncio.get_running_loop().time
    start = clock()
    await broker.stop()

    assert clock() - start < 1.9
    assert await is_drained(sql)


SLOW_CLAIM = """
    CREATE FUNCTION wait_for_the_gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(7);
        RETURN NULL;
    EXCEPTION WHEN query_canceled THEN
        RETURN NULL;  -- the cancellation came too late: the claim commits
    END $$;
    CREATE TRIGGER gate AFTER UPDATE ON pgmq.q_jobs FOR EACH ROW
    WHEN (new.read_ct > old.read_ct) EXECUTE FUNCTION wait_for_the_gate();
"""
AT_THE_GATE = """
    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def test_a_stop_gives_back_what_a_paused_subscriber_is_claiming_to_try(
    broker: PgmqBroker, sql: AsyncConnection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faststream_pgmq.subscriber.consuming.FIRST_PROBE", 0.5)
    subscriber = broker.subscriber("jobs")

    @subscriber
    async def handle(job: Job) -> None:
        raise Pause("down")

    await sql.execute(SLOW_CLAIM)
    await broker.start()
    await broker.publish(Job(n=1), "jobs")
    await until(lambda: subscriber.is_paused)
    await sql.execute("SELECT pg_advisory_lock(7)")
    await eventually(lambda: fetch_all(sql, AT_THE_GATE))
    stopping = asyncio.create_task(broker.stop())
    await asyncio.wait([stopping], timeout=0.2)  # a cancelled claim would be over by then
    await sql.execute("SELECT pg_advisory_unlock(7)")
    await stopping

    query = "SELECT vt <= now(), headers->'released' FROM pgmq.q_jobs"
    assert await fetch_all(sql, query) == [(True, 2)]


async def test_a_stop_during_a_read_that_fails_comes_to_an_end(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    @broker.subscriber("jobs")
    async def handle(job: Job) -> None: ...

    await sql.execute(SLOW_CLAIM)
    await sql.execute("SELECT pg_advisory_lock(7)")
    await broker.start()
    await broker.publish(Job(n=1), "jobs")
    await eventually(lambda: fetch_all(sql, AT_THE_GATE))
    stopping = asyncio.create_task(broker.stop())
    await asyncio.wait([stopping], timeout=0.2)
    for pid in await fetch_all(sql, AT_THE_GATE):
        await sql.execute("SELECT pg_terminate_backend(%s)", (pid,))

    await asyncio.wait_for(stopping, 10)


async def make_read_only(sql: AsyncConnection[Any], value: LiteralString) -> None:
    """Do to all other connections what a failover to a standby does."""
    alter = SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
    await sql.execute(alter.format(Identifier(sql.info.dbname), SQL(value)))
    await sql.execute("""
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
    """)


async def test_the_heartbeat_outlives_a_server_that_became_read_only(
    make_broker: BrokerFactory, sql: AsyncConnection[Any], caplog: pytest.LogCaptureFixture
) -> None:
    broker, go_on = make_broker(logger=logging.getLogger("heartbeat")), asyncio.Event()
    began: list[int] = []

    @broker.subscriber("jobs", visibility_timeout=0.9)
    async def handle(job: Job) -> None:
        began.append(job.n)
        await go_on.wait()

    await broker.start()
    await broker.publish(Job(n=1), "jobs")
    await until(lambda: began)
    await make_read_only(sql, "on")
    await until(lambda: "cannot extend leases: ReadOnlySqlTransaction" in caplog.text)
    await make_read_only(sql, "off")
    await sql.execute("UPDATE pgmq.q_jobs SET vt = 'epoch'")

    await eventually(lambda: fetch_all(sql, "SELECT 1 FROM pgmq.q_jobs WHERE vt > now()"))
    go_on.set()
    await eventually(lambda: is_drained(sql))
    assert began == [1]


LEASES = {"ids": list(range(1, 101)), "fences": [1] * 100}
HOT_STATEMENTS: list[tuple[LiteralString, dict[str, Any]]] = [
    (queries.CLAIM, {"mark": 5000, "limit": 100, "lease": 30.0}),
    (queries.EXTEND, {**LEASES, "lease": 30.0}),
    (queries.FIND_HELD, LEASES),
    (queries.ARCHIVE, LEASES),
    (queries.DELETE, LEASES),
    (queries.DEFER, {**LEASES, "delays": [1.0] * 100, "headers": ["{}"] * 100}),
    (queries.BURY, {**LEASES, "headers": ["{}"] * 100, "reports": ["{}"] * 100, "name": "jobs"}),
]


@pytest.mark.parametrize("rows", [2_000, 20_000])
@pytest.mark.parametrize(("template", "parameters"), HOT_STATEMENTS)
async def test_no_hot_statement_scans_the_queue(
    sql: AsyncConnection[Any], template: LiteralString, parameters: dict[str, Any], rows: int
) -> None:
    fill = "INSERT INTO pgmq.q_jobs (vt, message) SELECT now(), '1' FROM generate_series(1, %s)"
    await sql.execute(fill, (rows,))
    await sql.execute("ANALYZE pgmq.q_jobs")
    explain = "EXPLAIN " + queries.statement(template, "jobs")
    plan = await (await sql.execute(explain, parameters)).fetchall()
    lines = "\n".join(row[0] for row in plan)

    assert "q_jobs_pkey" in lines
    assert "Seq Scan" not in lines


@pytest.mark.parametrize("rows", [2_000, 20_000])
async def test_a_look_anywhere_visits_nothing_that_is_hidden(
    sql: AsyncConnection[Any], rows: int
) -> None:
    fill = """
        INSERT INTO pgmq.q_jobs (vt, message)
        SELECT now() + make_interval(hours => CASE WHEN n > %(rows)s - 50 THEN 0 ELSE 1 END), '1'
        FROM generate_series(1, %(rows)s) AS n
    """
    await sql.execute(fill, {"rows": rows})
    await sql.execute("ANALYZE pgmq.q_jobs")
    explain = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF) " + queries.statement(
        queries.CLAIM_ANYWHERE, "jobs"
    )
    plan = await sql.execute(explain, {"mark": None, "limit": 100, "lease": 30.0})
    lines = "\n".join(row[0] for row in await plan.fetchall())

    assert "q_jobs_vt_idx" in lines
    assert "Seq Scan" not in lines
    assert "Rows Removed by Filter" not in lines


async def test_only_a_claim_commits_without_waiting_for_the_disk(
    sql: AsyncConnection[Any],
) -> None:
    seen: list[str] = []

    async def note() -> None:
        row = await (await sql.execute("SHOW synchronous_commit")).fetchone()
        seen.append(str(row and row[0]))

    await sql.execute("SELECT pgmq.send('jobs', '1')")
    async with sql.transaction():
        claimed = await queries.claim_messages(sql, "jobs", mark=None, limit=1, lease=30)
        await note()
    async with sql.transaction():
        await queries.finish_messages(sql, "jobs", claimed.deliveries, archive=True)
        await note()
    assert seen == ["off", "on"]


async def test_the_queue_of_a_claim_is_read_in_order_and_by_one_only(
    sql: AsyncConnection[Any], dsn: str
) -> None:
    await sql.execute("""
        SELECT pgmq.send_batch('jobs', ARRAY(SELECT to_jsonb(n) FROM generate_series(1, 6) n))
    """)
    async with await AsyncConnection.connect(dsn) as other:
        first = await queries.claim_messages(other, "jobs", mark=0, limit=2, lease=30)
        second = await queries.claim_messages(sql, "jobs", mark=0, limit=3, lease=30)
        await other.commit()

    assert [one.text for one in first.deliveries] == ["1", "2"]
    assert [one.text for one in second.deliveries] == ["3", "4", "5"]
