"""Pausing a queue for all its consumers. Nobody polls here: only what is told can wake."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, LiteralString

import pytest
from psycopg import AsyncConnection, errors
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from faststream_pgmq import (
    OutdatedInstallError,
    PgmqBroker,
    QueueNotFoundError,
    install,
    pause_queue,
    paused_queues,
    queries,
    resume_queue,
)
from tests.integration.faststream_pgmq.conftest import BrokerFactory
from tests.integration.faststream_pgmq.support import Job, eventually, fetch_all, is_drained, until

BELL_LOCKS: LiteralString = """
    SELECT count(*) FILTER (WHERE granted), count(*) FILTER (WHERE NOT granted) FROM pg_locks
    WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
DUE: LiteralString = """
    SELECT count(*) FROM pgmq.q_jobs WHERE vt <= clock_timestamp()
"""


class Recorder:
    """Handles jobs, one after the other, as soon as it is let."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.free = asyncio.Event()
        self.free.set()

    def attach(self, broker: PgmqBroker, **options: Any) -> None:
        @broker.subscriber("jobs", **options)
        async def handle(job: Job) -> None:
            self.begun.append(job.n)
            await self.free.wait()
            self.ended.append(job.n)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


async def send(sql: AsyncConnection[Any], *numbers: int) -> None:
    for n in numbers:
        await sql.execute("SELECT pgmq.send('jobs', jsonb_build_object('n', %s::int))", (n,))


async def is_asleep(sql: AsyncConnection[Any]) -> bool:
    return (await fetch_all(sql, BELL_LOCKS))[0][0] == 2


async def nobody_sleeps(sql: AsyncConnection[Any]) -> bool:
    """Return whether no consumer holds or awaits the bell: those of a paused queue do not."""
    return await fetch_all(sql, BELL_LOCKS) == [(0, 0)]


async def count_due(sql: AsyncConnection[Any]) -> int:
    return (await fetch_all(sql, DUE))[0]


def is_paused_for_all(*brokers: PgmqBroker) -> Callable[[], bool]:
    """Return a condition: every subscriber has seen the pause."""
    consumers = consumers_of(*brokers)
    return lambda: all(consumer._paused_for_all for consumer in consumers)


def has_heard(broker: PgmqBroker) -> Callable[[], bool]:
    """Return a condition: the pause was told to every subscriber, whose read has not ended."""
    consumers = consumers_of(broker)
    return lambda: all(consumer._heard_pause for consumer in consumers)


def consumers_of(*brokers: PgmqBroker) -> list[Any]:
    return [one._consumer for broker in brokers for one in broker.subscribers]  # pyright: ignore


async def test_sleeping_consumers_stop_at_a_pause_and_a_resume_wakes_them(
    make_broker: BrokerFactory, sql: AsyncConnection[Any], recorder: Recorder
) -> None:
    brokers = [make_broker() for _ in range(3)]
    for broker in brokers:
        recorder.attach(broker)
        await broker.start()
    await eventually(lambda: is_asleep(sql))

    await sql.execute("SELECT faststream_pgmq.pause('jobs', 'the model is down')")
    await until(is_paused_for_all(*brokers))
    await eventually(lambda: nobody_sleeps(sql))
    await send(sql, 1, 2)
    assert await count_due(sql) == 2
    assert recorder.begun == []

    await sql.execute("SELECT faststream_pgmq.resume('jobs')")
    await until(lambda: sorted(recorder.ended) == [1, 2], seconds=3)


async def test_messages_to_a_paused_queue_ring_for_nobody(
    broker: PgmqBroker, sql: AsyncConnection[Any], recorder: Recorder
) -> None:
    recorder.attach(broker)
    await broker.start()
    await broker.pause_queue("jobs")
    await until(is_paused_for_all(broker))
    await eventually(lambda: nobody_sleeps(sql))
    await sql.execute('LISTEN "pgmq_bell.jobs"')
    await send(sql, *range(20))

    assert [told async for told in sql.notifies(timeout=0.2)] == []
    assert recorder.begun == []


async def test_a_busy_consumer_finishes_what_runs_and_gives_the_rest_back_at_once(
    broker: PgmqBroker, sql: AsyncConnection[Any], recorder: Recorder
) -> None:
    recorder.attach(broker, max_messages=10, visibility_timeout=3600)
    await broker.start()
    await send(sql, 0)
    await until(lambda: recorder.ended == [0])  # quick, so it claims ahead
    recorder.free.clear()
    await broker.publish_batch(*({"n": n} for n in range(1, 9)), queue="jobs")
    await until(lambda: recorder.begun == [0, 1])
    assert await count_due(sql) == 0, "this test needs messages claimed ahead"

    await sql.execute("SELECT faststream_pgmq.pause('jobs')")
    await eventually(lambda: has_due(sql, 7))
    recorder.free.set()
    await until(is_paused_for_all(broker))
    await until(lambda: recorder.ended == [0, 1])
    assert recorder.begun == [0, 1]

    await broker.resume_queue("jobs")
    await eventually(lambda: is_drained(sql))
    assert recorder.ended == list(range(9))


async def has_due(sql: AsyncConnection[Any], count: int) -> bool:
    return await count_due(sql) == count


async def test_a_consumer_that_never_slept_hears_a_pause_too(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    begun: list[int] = []
    free = asyncio.Event()

    @broker.subscriber("jobs", max_messages=10, visibility_timeout=3600)
    async def handle(job: Job) -> None:
        begun.append(job.n)
        if job.n > 0:
            await free.wait()

    await send(sql, *range(20))
    await broker.start()
    await until(lambda: begun == [0, 1])
    due = await count_due(sql)
    assert 0 < due < 18, "this test needs messages claimed ahead, and an end of the queue not seen"

    await broker.pause_queue("jobs")
    await eventually(lambda: has_due(sql, 18))
    free.set()
    await until(is_paused_for_all(broker))
    assert begun == [0, 1]


async def test_what_was_claimed_while_the_pause_committed_is_given_back(
    broker: PgmqBroker, sql: AsyncConnection[Any], recorder: Recorder, dsn: str
) -> None:
    """The claim waits inside of Postgres, after its look at the pauses."""
    recorder.attach(broker)
    await broker.start()
    await eventually(lambda: is_asleep(sql))
    await sql.execute("""
        CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock_shared(1, 1); RETURN NEW; END $$;
        CREATE TRIGGER wait BEFORE UPDATE ON pgmq.q_jobs FOR EACH ROW EXECUTE FUNCTION wait()
    """)
    async with await AsyncConnection.connect(dsn) as gate:
        await gate.execute("SELECT pg_advisory_xact_lock(1, 1)")
        await send(sql, 1)
        waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'ShareLock'"
        await eventually(lambda: fetch_all(sql, waiting))
        await broker.pause_queue("jobs")
        # Else the claim's answer may come first, and then the handler has begun before it is told.
        await until(has_heard(broker))
        await gate.rollback()
    await until(is_paused_for_all(broker))
    await eventually(lambda: has_due(sql, 1))
    assert recorder.begun == []
    query = "SELECT headers->'attempts', (headers->'released')::int FROM pgmq.q_jobs"
    assert await fetch_all(sql, query) == [(None, 1)]


async def test_a_consumer_that_starts_later_sees_the_pause(
    broker: PgmqBroker, sql: AsyncConnection[Any], recorder: Recorder
) -> None:
    await sql.execute("SELECT faststream_pgmq.pause('JOBS')")
    await send(sql, 1)
    recorder.attach(broker)
    await broker.start()
    await until(is_paused_for_all(broker))
    assert recorder.begun == []

    await sql.execute("SELECT faststream_pgmq.resume('Jobs')")
    await until(lambda: recorder.ended == [1], seconds=3)


async def test_a_consumer_without_a_doorbell_is_paused_and_resumed_too(
    broker: PgmqBroker, sql: AsyncConnection[Any], recorder: Recorder
) -> None:
    await sql.execute("DROP TRIGGER faststream_pgmq_doorbell ON pgmq.q_jobs")
    recorder.attach(broker)
    await broker.start()
    await sql.execute("SELECT faststream_pgmq.pause('jobs')")
    await until(is_paused_for_all(broker))
    await send(sql, 1)
    assert recorder.begun == []

    await sql.execute("SELECT faststream_pgmq.resume('jobs')")
    await until(lambda: recorder.ended == [1], seconds=3)


async def test_a_paused_consumer_runs_no_query_while_it_waits(
    broker: PgmqBroker, sql: AsyncConnection[Any], recorder: Recorder
) -> None:
    recorder.attach(broker)
    await broker.start()
    await broker.pause_queue("jobs")
    await until(is_paused_for_all(broker))
    await send(sql, *range(10))
    query = """
        SELECT max(query_start) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND datname = current_database()
    """
    await until_quiet(sql, query)


async def until_quiet(sql: AsyncConnection[Any], query: LiteralString) -> None:
    """Return once nobody else has run a statement for half a second; fail if that never comes."""

    async def is_quiet() -> bool:
        before = await fetch_all(sql, query)
        await asyncio.sleep(0.5)
        return await fetch_all(sql, query) == before

    await eventually(is_quiet, seconds=5)


async def test_no_resume_is_lost_however_quickly_it_follows(
    make_broker: BrokerFactory, sql: AsyncConnection[Any], recorder: Recorder
) -> None:
    for broker in (make_broker(), make_broker()):
        recorder.attach(broker)
        await broker.start()
    for n in range(60):
        await sql.execute("SELECT faststream_pgmq.pause('jobs')")
        await asyncio.sleep(n % 6 / 1000)  # so that it falls into every step of going to rest
        await send(sql, n)
        await asyncio.sleep(n % 5 / 1000)
        await sql.execute("SELECT faststream_pgmq.resume('jobs')")
        await until(lambda n=n: n in recorder.ended, seconds=5)


async def test_a_pause_that_rolls_back_is_none(
    broker: PgmqBroker, sql: AsyncConnection[Any], recorder: Recorder, dsn: str
) -> None:
    recorder.attach(broker)
    await broker.start()
    async with await AsyncConnection.connect(dsn) as other:
        assert await pause_queue(other, "jobs")
        await send(sql, 1)
        await until(lambda: recorder.ended == [1])
        await other.rollback()
    await send(sql, 2)
    await until(lambda: recorder.ended == [1, 2])


async def test_another_queue_goes_on(
    broker: PgmqBroker, sql: AsyncConnection[Any], recorder: Recorder
) -> None:
    recorder.attach(broker)
    await broker.start()
    await broker.pause_queue("results", reason="only these")
    await send(sql, 1)
    await until(lambda: recorder.ended == [1])
    (paused,) = await broker.paused_queues()
    assert (paused.queue, paused.reason) == ("results", "only these")


async def test_pausing_and_resuming_say_whether_they_changed_anything(
    sql: AsyncConnection[Any],
) -> None:
    assert await pause_queue(sql, "Jobs", "one")
    assert not await pause_queue(sql, "jobs", "two")
    assert [(one.queue, one.reason) for one in await paused_queues(sql)] == [("jobs", "two")]
    assert await resume_queue(sql, "jobs")
    assert not await resume_queue(sql, "jobs")
    assert await paused_queues(sql) == []


async def test_an_unknown_queue_cannot_be_paused(sql: AsyncConnection[Any]) -> None:
    with pytest.raises(QueueNotFoundError, match="nowhere"):
        await pause_queue(sql, "nowhere")


async def test_a_stop_while_the_queue_is_paused_ends_at_once(
    broker: PgmqBroker, sql: AsyncConnection[Any], recorder: Recorder
) -> None:
    recorder.attach(broker)
    await broker.start()
    await broker.pause_queue("jobs")
    await until(is_paused_for_all(broker))
    async with asyncio.timeout(2):
        await broker.stop()


async def test_get_one_waits_for_the_end_of_a_pause(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    subscriber = broker.subscriber("jobs", persistent=False)
    await broker.start()
    await send(sql, 1)
    await broker.pause_queue("jobs")
    assert await subscriber.get_one(timeout=0.1) is None

    one = asyncio.create_task(subscriber.get_one(timeout=30))
    await eventually(lambda: nobody_sleeps(sql))
    await broker.resume_queue("jobs")
    async with asyncio.timeout(3):
        message = await one
    assert message is not None
    await message.ack()


async def test_a_listener_that_dies_during_a_pause_is_replaced(
    broker: PgmqBroker, sql: AsyncConnection[Any], recorder: Recorder
) -> None:
    recorder.attach(broker)
    await broker.start()
    await broker.pause_queue("jobs")
    await until(is_paused_for_all(broker))
    await send(sql, 1)
    query = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database()
          AND (query LIKE 'LISTEN%' OR query LIKE 'SELECT pg_advisory_unlock_all%')
    """
    assert await fetch_all(sql, query) == [True]
    await sql.execute("SELECT faststream_pgmq.resume('jobs')")
    await until(lambda: recorder.ended == [1], seconds=5)


async def test_a_consumer_needs_no_right_but_to_see_the_pauses(
    make_broker: BrokerFactory, sql: AsyncConnection[Any], recorder: Recorder, dsn: str
) -> None:
    role = Identifier(f"consumer_{sql.info.dbname}")
    for statement in (
        "CREATE ROLE {} LOGIN PASSWORD 'x'",
        "GRANT USAGE ON SCHEMA pgmq TO {}",
        "GRANT ALL ON ALL TABLES IN SCHEMA pgmq TO {}",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA pgmq TO {}",
    ):
        await sql.execute(SQL(statement).format(role))
    own = make_conninfo(dsn, user=f"consumer_{sql.info.dbname}", password="x")
    try:
        broker = PgmqBroker(own, poll_interval=3600, logger=None)
        recorder.attach(broker)
        async with broker:
            await broker.start()
            await sql.execute("SELECT faststream_pgmq.pause('jobs')")
            await until(is_paused_for_all(broker))
            with pytest.raises(errors.InsufficientPrivilege):
                await broker.resume_queue("jobs")
            await send(sql, 1)
            await sql.execute("SELECT faststream_pgmq.resume('jobs')")
            await until(lambda: recorder.ended == [1])
    finally:
        await sql.execute(SQL("DROP OWNED BY {}").format(role))
        await sql.execute(SQL("DROP ROLE {}").format(role))


async def test_a_start_without_the_table_of_pauses_says_what_to_run(
    broker: PgmqBroker, sql: AsyncConnection[Any], recorder: Recorder
) -> None:
    await sql.execute("DROP TABLE faststream_pgmq.queue_state")
    recorder.attach(broker)
    with pytest.raises(OutdatedInstallError, match="install"):
        await broker.start()
    await install(sql)
    await broker.start()


async def test_claiming_looks_for_a_pause_once_in_a_statement(sql: AsyncConnection[Any]) -> None:
    await sql.execute("SELECT pgmq.send_batch('jobs', array_fill('1'::jsonb, ARRAY[50]))")
    explain: Any = "EXPLAIN (ANALYZE, COSTS OFF) " + queries.statement(queries.CLAIM, "jobs")
    rows = await sql.execute(explain, {"mark": 0, "limit": 50, "lease": 1.0})
    plan = "\n".join(row[0] for row in await rows.fetchall())
    assert "One-Time Filter: (NOT (InitPlan" in plan
