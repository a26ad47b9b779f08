"""What ended long ago is deleted: by hand, by command, and by a subscriber that is told to."""

from __future__ import annotations

import logging
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.errors import InvalidParameterValue, UndefinedTable

from faststream_pgmq import (
    PgmqBroker,
    QueueNotFoundError,
    check_health,
    purge_archive,
    purge_dead_letters,
)
from faststream_pgmq.retention import Retention, alone_with
from tests.integration.faststream_pgmq.conftest import BrokerFactory
from tests.integration.faststream_pgmq.support import Job, eventually, fetch_all
from tests.integration.faststream_pgmq.two_sessions import at_once

Session = AsyncConnection[Any]
FORTNIGHT = timedelta(days=14)
KEEP = Retention(archive=FORTNIGHT)
ARCHIVE = """
    INSERT INTO pgmq.a_jobs (msg_id, vt, message, archived_at)
    SELECT n, now(), to_jsonb(n), now() - make_interval(days => n) FROM generate_series(1, %s) AS n
"""
BURY = """
    INSERT INTO pgmq.q_jobs_dlq (vt, message, enqueued_at)
    SELECT now(), to_jsonb(n), now() - make_interval(days => 31 - n)
    FROM generate_series(1, 30) AS n
"""
KEPT = "SELECT count(*)::int, max(now() - archived_at) <= '13 days' FROM pgmq.a_jobs"


async def archived(sql: Session) -> list[int]:
    return await fetch_all(sql, "SELECT msg_id::int FROM pgmq.a_jobs ORDER BY 1")


async def test_only_what_was_archived_long_enough_ago_is_purged(sql: Session) -> None:
    await sql.execute(ARCHIVE, (30,))
    seen: list[int] = []
    purge = purge_archive(sql, "Jobs", older_than=FORTNIGHT, chunk=5, on_progress=seen.append)

    assert await purge == 17
    assert seen == [5, 10, 15, 17]
    assert await archived(sql) == list(range(1, 14))
    assert await purge_archive(sql, "jobs", older_than=FORTNIGHT) == 0


async def test_a_purge_takes_the_oldest_first_and_no_more_than_it_may(sql: Session) -> None:
    await sql.execute(ARCHIVE, (30,))
    purge = "SELECT faststream_pgmq.purge_archive('jobs', '14 days', 10)"
    assert await fetch_all(sql, purge) == [10]
    assert await archived(sql) == list(range(1, 21))


async def test_rows_archived_by_one_transaction_are_purged_in_chunks_too(sql: Session) -> None:
    await sql.execute("""
        INSERT INTO pgmq.a_jobs (msg_id, vt, archived_at)
        SELECT n, now(), 'epoch' FROM generate_series(1, 50) AS n
    """)
    assert await fetch_all(sql, "SELECT faststream_pgmq.purge_archive('jobs', '1 day', 20)") == [20]
    assert len(await archived(sql)) == 30


async def test_two_who_purge_wait_for_nobody_and_share_the_work(sql: Session, dsn: str) -> None:
    await sql.execute(ARCHIVE, (30,))
    purge = "SELECT faststream_pgmq.purge_archive('jobs', '14 days', 10)"
    async with await AsyncConnection.connect(dsn) as one:
        assert await fetch_all(one, purge) == [10]
        assert await at_once(fetch_all(sql, purge)) == [7]
        await one.commit()
    assert await archived(sql) == list(range(1, 14))


async def test_a_purge_reads_by_index_however_long_the_archive_is(sql: Session) -> None:
    await sql.execute(ARCHIVE, (100_000,))
    await sql.execute("ANALYZE pgmq.a_jobs")
    read = "SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'a_jobs'"
    async with sql.transaction():
        await sql.execute("SELECT faststream_pgmq.purge_archive('jobs', '14 days')")
        assert await fetch_all(sql, read) == [0]


async def test_old_dead_letters_are_purged_with_one_who_looks_at_them_left_alone(
    sql: Session, dsn: str
) -> None:
    await sql.execute(BURY)
    async with await AsyncConnection.connect(dsn) as one:
        await one.execute("SELECT FROM pgmq.q_jobs_dlq WHERE msg_id = 3 FOR UPDATE")
        purge = purge_dead_letters(sql, "jobs", older_than=FORTNIGHT, chunk=5)
        assert await at_once(purge) == 16
    left = await fetch_all(sql, "SELECT msg_id::int FROM pgmq.q_jobs_dlq ORDER BY 1")
    assert left == [3, *range(18, 31)]


@pytest.mark.parametrize("purge", [purge_archive, purge_dead_letters])
async def test_a_purge_that_makes_no_sense_says_why(sql: Session, purge: Any) -> None:
    with pytest.raises(QueueNotFoundError, match="nothing"):
        await purge(sql, "nothing", older_than=FORTNIGHT)
    with pytest.raises(ValueError, match="negative"):
        await purge(sql, "jobs", older_than=-FORTNIGHT)
    with pytest.raises(ValueError, match="positive"):
        await purge(sql, "jobs", older_than=FORTNIGHT, chunk=0)


async def test_the_functions_say_what_is_wrong_in_sql_too(sql: Session) -> None:
    with pytest.raises(UndefinedTable, match="no queue 'nothing'"):
        await sql.execute("SELECT faststream_pgmq.purge_archive('nothing', '1 day')")
    for age in ("'-1 day'", "NULL"):
        purge: Any = f"SELECT faststream_pgmq.purge_dead_letters('jobs', {age})"
        with pytest.raises(InvalidParameterValue, match="older_than"):
            await sql.execute(purge)


async def test_a_subscriber_keeps_to_its_retention(broker: PgmqBroker, sql: Session) -> None:
    await sql.execute(ARCHIVE, (30,))
    await sql.execute(BURY)
    await sql.execute("INSERT INTO pgmq.a_jobs_dlq VALUES (1, 1, now(), NULL, 'epoch', now())")

    @broker.subscriber("jobs", archive_retention=FORTNIGHT, dead_letter_retention=FORTNIGHT)
    async def handle(job: Job) -> None: ...

    await broker.start()

    async def swept() -> bool:
        letters = await fetch_all(sql, "SELECT count(*) FROM pgmq.q_jobs_dlq")
        return await archived(sql) == list(range(1, 14)) and letters == [13]

    await eventually(swept)
    assert await fetch_all(sql, "SELECT count(*) FROM pgmq.a_jobs_dlq") == [0]


async def test_a_subscriber_that_was_told_nothing_keeps_everything(
    broker: PgmqBroker, sql: Session
) -> None:
    await sql.execute(ARCHIVE, (30,))

    @broker.subscriber("jobs")
    async def handle(job: Job) -> None: ...

    @broker.subscriber("results", archive_retention=FORTNIGHT)
    async def handle_results(job: Job) -> None: ...

    await sql.execute("INSERT INTO pgmq.a_results VALUES (1, 1, now(), NULL, 'epoch', now())")
    await broker.start()

    async def results_are_swept() -> bool:
        return await fetch_all(sql, "SELECT count(*) FROM pgmq.a_results") == [0]

    await eventually(results_are_swept)
    assert len(await archived(sql)) == 30


async def test_one_consumer_at_a_time_sweeps_a_queue(
    broker: PgmqBroker, sql: Session, dsn: str
) -> None:
    await sql.execute(ARCHIVE, (30,))
    await broker.connect()
    queues = broker.config.broker_config.queues
    async with await AsyncConnection.connect(dsn, autocommit=True) as busy:
        async with alone_with(busy, "Jobs") as is_alone:
            assert is_alone
            assert await queues.sweep("jobs", KEEP) == 0
            assert len(await archived(sql)) == 30
        assert await queues.sweep("jobs", KEEP) == 17


async def test_who_sweeps_holds_no_snapshot(sql: Session, dsn: str) -> None:
    strict = make_conninfo(dsn, options="-c default_transaction_isolation=serializable")
    async with (
        await AsyncConnection.connect(strict, autocommit=True) as guard,
        alone_with(guard, "jobs") as is_alone,
    ):
        assert is_alone
        found = (await check_health(sql)).oldest_snapshot
        assert found is None or found.pid != guard.info.backend_pid


async def test_a_purge_keeps_to_its_rate(sql: Session) -> None:
    await sql.execute(ARCHIVE, (40,))
    began = monotonic()
    purge = purge_archive(sql, "jobs", older_than=timedelta(), rate=100, chunk=10)
    assert await purge == 40
    assert monotonic() - began >= 0.3


async def test_a_sweep_that_fails_is_told_and_delivery_goes_on(
    make_broker: BrokerFactory, sql: Session, caplog: pytest.LogCaptureFixture
) -> None:
    await sql.execute("DROP FUNCTION faststream_pgmq.purge_archive")
    broker = make_broker(logger=logging.getLogger("sweep"))
    handled: list[int] = []

    @broker.subscriber("jobs", archive_retention=FORTNIGHT)
    async def handle(job: Job) -> None:
        handled.append(job.n)

    with caplog.at_level(logging.WARNING, "sweep"):
        await broker.start()

        async def told() -> bool:
            return "faststream-pgmq install" in caplog.text

        await eventually(told)
    await broker.publish(Job(n=1), "jobs")

    async def handled_one() -> bool:
        return handled == [1]

    await eventually(handled_one)


def test_a_negative_retention_is_refused_where_it_is_written(broker: PgmqBroker) -> None:
    with pytest.raises(ValueError, match="negative"):
        broker.subscriber("jobs", archive_retention=-FORTNIGHT)
