"""What handlers report of their progress, and what it costs."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, LiteralString

import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from faststream_pgmq import PgmqBroker, report_progress
from faststream_pgmq.subscriber import telling
from tests.integration.faststream_pgmq.conftest import BrokerFactory
from tests.integration.faststream_pgmq.support import Job, eventually, fetch_all, is_drained, until

EVERY = 0.2
TOLD: LiteralString = """
    SELECT told.msg_id, told.step, told.done, told.total
    FROM faststream_pgmq.progress AS told JOIN pgmq.q_jobs AS message USING (msg_id, read_ct)
    WHERE told.queue = 'jobs' ORDER BY told.msg_id
"""
COUNT_WRITES: LiteralString = """
    CREATE TABLE writes (rows bigint);
    CREATE FUNCTION count_write() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO writes SELECT count(*) FROM told; RETURN NULL; END $$;
    CREATE TRIGGER count_inserts AFTER INSERT ON faststream_pgmq.progress
        REFERENCING NEW TABLE AS told FOR EACH STATEMENT EXECUTE FUNCTION count_write()
"""


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a test takes no seconds; nothing else depends on how long a while is."""
    monkeypatch.setattr(telling, "EVERY", EVERY)


async def nothing_is_told(sql: AsyncConnection[Any]) -> bool:
    return await fetch_all(sql, "SELECT count(*) FROM faststream_pgmq.progress") == [0]


async def test_what_a_handler_reports_is_seen_while_it_runs_and_gone_after(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    go_on = asyncio.Event()

    @broker.subscriber("jobs", batch=True)
    async def handle(jobs: list[Job]) -> None:
        report_progress("read", 3, 10)
        await asyncio.to_thread(report_progress, "read", 4, 10)  # a thread knows its handler
        await go_on.wait()

    await broker.start()
    await broker.publish_batch({"n": 1}, {"n": 2}, queue="jobs")
    await eventually(lambda: fetch_all(sql, TOLD))
    assert await fetch_all(sql, TOLD) == [(1, "read", 4, 10), (2, "read", 4, 10)]

    go_on.set()
    await eventually(lambda: is_drained(sql))
    await eventually(lambda: nothing_is_told(sql))


async def test_a_thousand_reports_cost_a_write_a_while_for_all_messages_together(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    await sql.execute(COUNT_WRITES)
    loop, began = asyncio.get_running_loop(), 0.0

    @broker.subscriber("jobs", batch=True)
    async def handle(jobs: list[Job]) -> None:
        nonlocal began
        began = loop.time()
        for n in range(1_000):
            report_progress("count", n, 1_000)
            await asyncio.sleep(0.001)

    await broker.start()
    await broker.publish_batch(*({"n": n} for n in range(20)), queue="jobs")
    await eventually(lambda: is_drained(sql))
    looks = (loop.time() - began) / EVERY

    rows = await fetch_all(sql, "SELECT rows FROM writes")
    assert 1 <= len(rows) <= looks + 1, (len(rows), looks)
    assert rows[0] == 20


async def test_what_is_done_in_a_moment_writes_nothing(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    await sql.execute(COUNT_WRITES)
    ended: list[int] = []

    @broker.subscriber("jobs", max_messages=1)
    async def handle(job: Job) -> None:
        report_progress("at once", 1, 1)
        await asyncio.sleep(EVERY / 50)
        ended.append(job.n)

    await broker.start()
    await broker.publish_batch(*({"n": n} for n in range(100)), queue="jobs")
    await until(lambda: len(ended) == 100)
    assert await fetch_all(sql, "SELECT rows FROM writes") == []


async def test_a_stop_takes_back_what_was_told(
    make_broker: BrokerFactory, sql: AsyncConnection[Any]
) -> None:
    broker = make_broker(graceful_timeout=0.01)

    @broker.subscriber("jobs")
    async def handle(job: Job) -> None:
        report_progress("wait")
        await asyncio.Event().wait()

    await broker.start()
    await broker.publish({"n": 1}, "jobs")
    await eventually(lambda: fetch_all(sql, TOLD))
    await broker.stop()
    assert await nothing_is_told(sql)


async def test_what_a_killed_worker_told_is_overwritten_by_the_next_and_old_rows_go(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    await sql.execute("""
        INSERT INTO faststream_pgmq.progress (queue, msg_id, read_ct, step, done, total, told_at)
        VALUES ('jobs', 1, 1, 'killed', 9, 9, now()),
               ('jobs', 99, 1, 'killed long ago', 1, 2, now() - interval '2 days')
    """)
    go_on = asyncio.Event()

    @broker.subscriber("jobs")
    async def handle(job: Job) -> None:
        report_progress("anew", 1, 9)
        await go_on.wait()

    await sql.execute("SELECT pgmq.send('jobs', jsonb_build_object('n', 1))")
    await sql.execute("UPDATE pgmq.q_jobs SET read_ct = 2")
    assert await fetch_all(sql, TOLD) == []  # of an older delivery
    await broker.start()
    await eventually(lambda: fetch_all(sql, TOLD))
    assert await fetch_all(sql, TOLD) == [(1, "anew", 1, 9)]
    go_on.set()
    await eventually(lambda: nothing_is_told(sql))


async def test_what_no_table_can_hold_is_cut(broker: PgmqBroker, sql: AsyncConnection[Any]) -> None:
    go_on = asyncio.Event()

    @broker.subscriber("jobs")
    async def handle(job: Job) -> None:
        report_progress("\x00\ud800" + "x" * 10_000, -1, 10**40)
        await go_on.wait()

    await broker.start()
    await broker.publish({"n": 1}, "jobs")
    ((_, step, done, total),) = await eventually(lambda: fetch_all(sql, TOLD))
    go_on.set()
    assert (len(step), done, total) == (199, 0, 2**62)


async def test_a_consumer_that_may_not_tell_says_so_once_and_works_on(
    sql: AsyncConnection[Any], dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"mute_{sql.info.dbname}"
    for statement in (
        "CREATE ROLE {} LOGIN PASSWORD 'x'",
        "GRANT USAGE ON SCHEMA pgmq TO {}",
        "GRANT ALL ON ALL TABLES IN SCHEMA pgmq TO {}",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA pgmq TO {}",
    ):
        await sql.execute(SQL(statement).format(Identifier(name)))
    go_on, logger = asyncio.Event(), logging.getLogger("mute")
    broker = PgmqBroker(make_conninfo(dsn, user=name, password="x"), logger=logger)

    @broker.subscriber("jobs")
    async def handle(job: Job) -> None:
        report_progress("in vain")
        await go_on.wait()

    async with broker:
        await broker.start()
        await broker.publish({"n": 1}, "jobs")
        await until(lambda: "no progress is told" in caplog.text)
        go_on.set()
        await eventually(lambda: is_drained(sql))
    assert caplog.text.count("no progress is told") == 1
    await sql.execute(SQL("DROP OWNED BY {}").format(Identifier(name)))
    await sql.execute(SQL("DROP ROLE {}").format(Identifier(name)))


def test_outside_of_a_handler_a_report_is_nothing() -> None:
    report_progress("nobody listens", 1, 2)
