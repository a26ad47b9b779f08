"""Samples: each message is counted once, one process samples, and the cost is bounded."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import LiteralString

import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from services.api.sampling import sampling
from shared.domain.histograms import BOUNDS
from shared.postgres import queue_counting
from shared.postgres.queue_counting import ADD_COUNTS, READ_FENCES, Fence
from shared.postgres.queue_figures import QueueFigures, Range, find_figures, find_series
from shared.postgres.queue_sampling import SAVE_SAMPLES, take_sample
from shared.runtime import Pool
from tests.integration.api.queue_builders import (
    BURY,
    EAGER,
    OTHERS,
    SEND,
    US,
    Conn,
    archive,
    sample_twice,
)
from tests.integration.faststream_pgmq.support import eventually

QUEUE = "memory_ingestion"
WORKER = """
import asyncio, sys
from faststream_pgmq import PgmqBroker

broker = PgmqBroker(sys.argv[1], logger=None)

@broker.subscriber("memory_ingestion", visibility_timeout=1.5)
async def handle() -> None:
    await asyncio.Event().wait()

async def main() -> None:
    await broker.start()
    await asyncio.Event().wait()

asyncio.run(main())
"""
SUM: LiteralString = """
SELECT sum(arrived), sum(done), sum(failed) FROM queue_minutes WHERE queue = 'memory_ingestion'
"""


NUMBER = "pg_sequence_last_value('pgmq.q_memory_ingestion_msg_id_seq')"
SLEEPS: LiteralString = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep')"


async def sleeps(conn: Conn) -> bool:
    """Return whether a statement is where it sleeps."""
    row = await (await conn.execute(SLEEPS)).fetchone()
    return row == (True,)


@pytest.fixture
async def api(database: str) -> AsyncIterator[Conn]:
    """A connection with the rights of the API, on which the first sample was taken."""
    dsn = make_conninfo(database, options="-c role=supastate_api")
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        assert await take_sample(conn, EAGER)
        yield conn


async def figures(conn: Conn) -> QueueFigures:
    (found,) = await find_figures(conn, QUEUE)
    return found


async def sums(conn: Conn) -> tuple[int, int, int]:
    """Return how many arrived, were done and failed."""
    row = await (await conn.execute(SUM)).fetchone()
    assert row is not None
    return int(row[0]), int(row[1]), int(row[2])


async def test_what_arrived_was_done_and_failed_is_counted_once(conn: Conn, api: Conn) -> None:
    await conn.execute(SEND, (5,))
    await conn.execute("SELECT pgmq.archive('memory_ingestion', 1)")
    await archive(conn, 3, wait=1, run=1)
    await conn.execute(BURY)

    for _ in range(3):
        await sample_twice(api)
        assert await sums(api) == (5, 4, 1)


async def test_the_times_are_those_of_the_archive(conn: Conn, api: Conn) -> None:
    await archive(conn, 95, wait=2.0, run=0.1)
    await archive(conn, 5, wait=60.0, run=30.0)
    await sample_twice(api)

    flow = (await figures(api)).flow
    assert flow.done == 100
    assert flow.wait_seconds(0.5) == pytest.approx(2.0, rel=0.25)
    assert flow.wait_seconds(0.96) == pytest.approx(60.0, rel=0.25)
    assert flow.run_seconds(0.5) == pytest.approx(0.1, rel=0.25)
    assert flow.run_seconds(0.99) == pytest.approx(30.0, rel=0.25)


async def test_a_retried_or_delayed_message_says_nothing_of_the_wait(conn: Conn, api: Conn) -> None:
    await archive(conn, 1, wait=600, run=1, reads=3)
    await archive(conn, 1, wait=600, run=1, headers='{"delayed": true}')
    await sample_twice(api)

    flow = (await figures(api)).flow
    assert flow.wait is None
    assert flow.run_seconds(0.5) == pytest.approx(1, rel=0.25)


async def test_what_commits_late_is_counted_then_and_only_once(
    conn: Conn, api: Conn, database: str
) -> None:
    async with await AsyncConnection.connect(database) as late:
        await late.execute(SEND, (2,))
        await archive(late, 1, wait=1, run=1)
        # Begun later, and finished before.
        await conn.execute(SEND, (3,))
        await sample_twice(api)
        assert await sums(api) == (0, 0, 0)
        await late.commit()

    await sample_twice(api)
    assert await sums(api) == (5, 1, 0)


async def test_who_begins_while_a_fence_is_set_is_before_it(
    conn: Conn, api: Conn, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = READ_FENCES.replace(NUMBER, f"CASE WHEN pg_sleep(1) IS NOT NULL THEN {NUMBER} END", 1)
    async with await AsyncConnection.connect(database) as late:
        await late.execute("SELECT")
        with monkeypatch.context() as patched:
            patched.setattr(queue_counting, "READ_FENCES", slow)
            fencing = asyncio.create_task(take_sample(api, EAGER))
            await eventually(lambda: sleeps(conn), 5)
            await late.execute(SEND, (2,))
            assert await fencing
        await sample_twice(api)
        await late.commit()
    await sample_twice(api)
    assert await sums(api) == (2, 0, 0)


async def test_a_writer_that_never_ends_does_not_hold_up_the_counting_for_ever(
    conn: Conn, api: Conn, database: str
) -> None:
    async with await AsyncConnection.connect(database) as late:
        await late.execute(SEND, (1,))
        await conn.execute(SEND, (3,))
        await sample_twice(api, replace(EAGER, patience_seconds=0.0))
        assert await sums(api) == (3, 0, 0)


async def test_a_sample_counts_at_most_so_many_rows_and_the_next_one_goes_on(
    conn: Conn, api: Conn
) -> None:
    slow = replace(EAGER, most_rows=10)
    for _ in range(5):  # each at a time of its own
        await archive(conn, 5, wait=1, run=1)
    await conn.execute(SEND, (25,))
    await sample_twice(api, slow)

    counted: list[tuple[int, int, int]] = [await sums(api)]
    while counted[-1][:2] != (25, 25):
        assert await take_sample(api, slow)
        counted.append(await sums(api))
    assert counted[0][:2] == (10, 10)
    assert len(counted) == 3


async def test_the_oldest_of_what_is_due_grows_while_nothing_is_finished(
    conn: Conn, api: Conn
) -> None:
    await conn.execute(SEND, (2,))
    await conn.execute("SELECT pgmq.send('memory_ingestion', '{}', 3600)")
    for minutes in (5, 10):
        await conn.execute(
            "UPDATE pgmq.q_memory_ingestion SET vt = now() - %s * interval '1 minute'"
            " WHERE vt <= now()",
            (minutes,),
        )
        await sample_twice(api)
        standing = (await figures(api)).standing
        assert standing.oldest_seconds == pytest.approx(60 * minutes, abs=10)
        assert (standing.waiting, standing.last_done_at) == (2, None)


async def test_only_one_process_samples_until_it_is_gone(api: Conn) -> None:
    other = replace(EAGER, sampler=OTHERS)
    assert not await take_sample(api, other)
    assert await take_sample(api, EAGER)

    # Two intervals without a sample.
    await api.execute("UPDATE queue_samples SET sampled_at = now() - interval '21 seconds'")
    assert await take_sample(api, other)
    assert not await take_sample(api, EAGER)


async def test_two_processes_that_begin_together_take_one_sample(
    api: Conn, conn: Conn, database: str
) -> None:
    await conn.execute("TRUNCATE queue_samples")
    dsn = make_conninfo(database, options="-c role=supastate_api")
    async with await AsyncConnection.connect(dsn, autocommit=True) as second:
        taken = await asyncio.gather(
            take_sample(api, EAGER), take_sample(second, replace(EAGER, sampler=OTHERS))
        )
    assert sorted(taken) == [False, True]


async def test_a_killed_sampler_is_replaced_and_a_lost_connection_is_survived(
    database: str, conn: Conn
) -> None:
    dsn = make_conninfo(database, options="-c role=supastate_api")
    pool = Pool(dsn, min_size=1, max_size=2, open=False)
    async with pool:
        async with sampling(pool, 0.1):
            first = await until_sampled_by(conn, None)
            # Its connection breaks: it goes on with another.
            await conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            sampled_at = (await figures(conn)).sampled_at
            await until(conn, lambda one: one.sampled_at > sampled_at)
        async with sampling(pool, 0.1):
            assert await until_sampled_by(conn, first) != first


async def until_sampled_by(conn: Conn, other: object) -> object:
    return (await until(conn, lambda one: one.sampled_by != other)).sampled_by


async def until(conn: Conn, holds: Callable[[QueueFigures], bool]) -> QueueFigures:
    async with asyncio.timeout(10):
        while True:
            for one in await find_figures(conn, QUEUE):
                if holds(one):
                    return one
            await asyncio.sleep(0.02)


async def test_a_hung_worker_is_silent_and_a_killed_one_gone_with_the_next_sample(
    database: str, conn: Conn, api: Conn
) -> None:
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, database)
    try:
        await until_consumers(api, 1)
        await conn.execute(SEND, (1,))
        await until_held(api, silent=0)
        worker.send_signal(signal.SIGSTOP)
        await until_held(api, silent=1)
        assert (await figures(api)).consumers == 1  # its connections are open
    finally:
        worker.kill()
        await worker.wait()

    # The server notices a closed connection within milliseconds: far less than an interval.
    await until_consumers(api, 0)


async def until_consumers(conn: Conn, count: int) -> None:
    async with asyncio.timeout(20):
        while True:
            assert await take_sample(conn, EAGER)
            one = await figures(conn)
            if (one.consumers, one.idle) == (count, count):
                return
            await asyncio.sleep(0.05)


async def until_held(conn: Conn, silent: int) -> None:
    async with asyncio.timeout(20):
        while True:
            assert await take_sample(conn, replace(EAGER, lease_seconds=1.5))
            one = await figures(conn)
            if (one.running, one.silent) == (1, silent):
                return
            await asyncio.sleep(0.05)


async def test_what_is_renewed_or_waits_for_its_next_attempt_is_not_silent(
    conn: Conn, api: Conn
) -> None:
    await conn.execute(SEND, (4,))
    await conn.execute(
        "UPDATE pgmq.q_memory_ingestion SET read_ct = 1,"
        " vt = now() + (ARRAY[21, 19, -60, 5])[msg_id] * interval '1 second',"
        " last_read_at = CASE WHEN msg_id < 4 THEN now() END"
    )
    assert await take_sample(api, EAGER)

    assert (await figures(api)).silent == 2


async def test_a_release_is_told_since_its_first_sample(conn: Conn, api: Conn) -> None:
    assert (await figures(api)).release is None
    for release in ("1.4", "1.4", "1.5"):
        await api.execute("SELECT set_config('supastate.release', %s, false)", (release,))
        assert await take_sample(api, EAGER)
        await conn.execute(
            "UPDATE queue_samples SET release_since = '2026-01-05 12:00Z' WHERE true"
        )
        assert await take_sample(api, EAGER)
        one = await figures(api)
        assert (one.release, one.release_since) == (release, datetime(2026, 1, 5, 12, tzinfo=UTC))
    await api.execute("SELECT set_config('supastate.release', '1.6', false)")
    assert await take_sample(api, EAGER)
    assert (await figures(api)).release_since == (await figures(api)).sampled_at


async def test_old_minutes_are_forgotten(conn: Conn, api: Conn) -> None:
    await conn.execute(
        "INSERT INTO queue_minutes (queue, minute)"
        " SELECT 'memory_ingestion', now() - n * interval '1 day' FROM generate_series(1, 20) AS n"
    )
    assert await take_sample(api, EAGER)

    oldest = await (await api.execute("SELECT min(minute) FROM queue_minutes")).fetchone()
    assert oldest is not None
    assert datetime.now(UTC) - oldest[0] < timedelta(days=14, minutes=1)


async def test_counting_reads_archives_and_queues_by_their_indexes(conn: Conn, api: Conn) -> None:
    await conn.execute(
        "INSERT INTO pgmq.a_memory_ingestion (msg_id, archived_at, vt, message)"
        " SELECT n, now() - n * interval '1 second', now(), '{}'"
        " FROM generate_series(1, 20000) AS n"
    )
    await conn.execute(SEND, (20_000,))
    await conn.execute("ANALYZE pgmq.a_memory_ingestion, pgmq.q_memory_ingestion")
    fence = asdict(Fence("memory_ingestion", datetime.now(UTC), "1", 100, 100))
    values = fence | {"patience": 1.0, "most": 100, "bounds": list(BOUNDS)}

    rows = await (await conn.execute("EXPLAIN " + ADD_COUNTS[0], values)).fetchall()

    plan = "\n".join(str(row[0]) for row in rows)
    assert "a_memory_ingestion" in plan
    assert "Seq Scan on a_memory_ingestion" not in plan, plan
    assert "Seq Scan on q_memory_ingestion " not in plan, plan

    seen = {"me": US, "limit": 10_001, "silent_below": 20.0}
    rows = await (await conn.execute("EXPLAIN " + SAVE_SAMPLES, seen)).fetchall()
    plan = "\n".join(str(row[0]) for row in rows)
    assert "q_memory_ingestion_in_hand" in plan, plan
    assert "Seq Scan on q_memory_ingestion " not in plan, plan


async def test_a_series_adds_up_minutes_and_leaves_out_what_nobody_sampled(
    conn: Conn, api: Conn
) -> None:
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    await conn.execute(
        "INSERT INTO queue_minutes (queue, minute, waiting, oldest_seconds, arrived, done, wait)"
        " SELECT 'memory_ingestion', %s + n * interval '1 minute', n, n, 2, 1, ARRAY[0, 1]"
        " FROM generate_series(0, 599) AS n WHERE n <> 60",
        (noon,),
    )
    hours = Range(noon, noon + timedelta(hours=10))
    minutes = Range(noon, noon + timedelta(hours=2))

    coarse, fine = [await find_series(api, QUEUE, within) for within in (hours, minutes)]

    assert (len(coarse), len(fine)) == (300, 119)
    assert coarse[1].at == noon + timedelta(minutes=2)
    assert (coarse[1].waiting, coarse[1].arrived, coarse[1].wait[:3]) == (3, 4, [0, 2, 0])
    assert len(coarse[1].wait) == len(BOUNDS) + 1
    assert coarse[30].done == 1
    assert noon + timedelta(hours=1) not in {point.at for point in fine}
