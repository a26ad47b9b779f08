"""Queues of partitions: what works there, what does not, and what is said without pg_partman."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from importlib.resources import files
from typing import Any, LiteralString, cast

import pytest
from psycopg import AsyncConnection
from psycopg.errors import FeatureNotSupported, InvalidColumnReference

from faststream_pgmq import (
    DeadLetter,
    PartitionsUnavailableError,
    PgmqBroker,
    QueueWithoutKeysError,
    check_health,
    create_partitioned_queue,
    create_queue,
    install,
    purge_archive,
)
from faststream_pgmq.overview import overview
from faststream_pgmq.queries import claim_messages, finish_messages
from tests.databases import own_database
from tests.integration.faststream_pgmq import partman_server
from tests.integration.faststream_pgmq.support import NEVER, Job, eventually, fetch_all
from tests.integration.faststream_pgmq.test_pgmq_cli import Command

Session = AsyncConnection[Any]
KINDS = {"by_number": ("10000", "1000000"), "by_day": ("1 day", "7 days")}


@pytest.fixture(scope="session")
def partman_dsn(postgres_dsn: str) -> Iterator[str]:
    """A server where pg_partman can be created."""
    if partman_server.has_partman(postgres_dsn):
        yield postgres_dsn
        return
    programs = partman_server.find_debian_server()
    if programs is None:
        pytest.skip(partman_server.NONE)
    with partman_server.running(programs) as dsn:
        yield dsn


@pytest.fixture
def own_dsn(partman_dsn: str) -> Iterator[str]:
    """An empty database there."""
    with own_database(partman_dsn, "partitioned") as dsn:
        yield dsn


@pytest.fixture
async def partman(own_dsn: str) -> AsyncIterator[Session]:
    """A connection to a database with pgmq, pg_partman and the broker's SQL."""
    async with await AsyncConnection.connect(own_dsn, autocommit=True) as conn:
        pgmq = files("pgmq").joinpath("sql/pgmq.sql").read_text()
        await conn.execute(cast("LiteralString", pgmq))
        await conn.execute("CREATE SCHEMA partman; CREATE EXTENSION pg_partman SCHEMA partman")
        await install(conn)
        yield conn


@pytest.fixture(params=KINDS)
async def big(request: pytest.FixtureRequest, partman: Session) -> Session:
    """The same, with the partitioned queue `big`."""
    interval, retention = KINDS[request.param]
    for _ in range(2):
        await create_partitioned_queue(
            partman, "big", partition_interval=interval, retention=retention
        )
    return partman


async def test_without_pg_partman_it_says_what_to_do(sql: Session) -> None:
    with pytest.raises(PartitionsUnavailableError, match="CREATE EXTENSION pg_partman"):
        await create_partitioned_queue(sql, "big")
    with pytest.raises(FeatureNotSupported, match="pg_partman"):
        await sql.execute("SELECT faststream_pgmq.create_partitioned_queue('big')")
    assert await fetch_all(sql, "SELECT to_regclass('pgmq.q_big')") == [None]


async def test_the_command_makes_partitions_or_says_what_is_missing(
    partman: Session, own_dsn: str, dsn: str
) -> None:
    create = ("create", "events", "--partition", "1 day", "--retention", "7 days")
    assert Command(own_dsn)(*create).code == 0
    query = "SELECT is_partitioned FROM pgmq.meta ORDER BY queue_name"
    assert await fetch_all(partman, query) == [True, False]
    refused = Command(dsn)(*create)
    assert (refused.code, "CREATE EXTENSION pg_partman" in refused.err) == (1, True)
    assert Command(own_dsn)(*create[:4]).code == 2


async def test_handlers_replies_dead_letters_and_redrive_work(big: Session, own_dsn: str) -> None:
    broker = PgmqBroker(own_dsn, poll_interval=NEVER, logger=None)
    hopeless = {3}

    @broker.subscriber("big", batch=True)
    @broker.publisher("big_replies")
    async def handle(jobs: list[Job]) -> None:
        if {job.n for job in jobs} & hopeless:
            raise DeadLetter("three")

    async def archive(count: int) -> bool:
        return await fetch_all(big, "SELECT count(*)::int FROM pgmq.a_big") == [count]

    async with broker:
        await broker.start()
        await broker.publish_batch(*(Job(n=n) for n in range(10)), queue="big")
        await eventually(lambda: archive(9))
        hopeless.clear()
        assert await fetch_all(big, "SELECT faststream_pgmq.redrive('big')") == [1]
        await eventually(lambda: archive(10))
    assert await fetch_all(big, "SELECT 1 FROM pgmq.q_big") == []


async def test_a_start_that_creates_its_queues_leaves_partitions_alone(big: Session) -> None:
    await create_queue(big, "big")
    assert await fetch_all(big, "SELECT is_partitioned FROM pgmq.meta ORDER BY 1") == [False, True]


async def test_each_insert_rings_one_bell_at_the_parent(big: Session) -> None:
    query = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = %s ORDER BY 1"
    bells = await fetch_all(big, query, "faststream_pgmq_doorbell")
    assert bells == ["pgmq.q_big", "pgmq.q_big_dlq"]


async def test_partitions_of_today_and_those_to_come_are_tuned_as_plain_queues_are(
    big: Session,
) -> None:
    await create_queue(big, "plain")
    query = """
        SELECT array(SELECT unnest(reloptions) ORDER BY 1) FROM pg_class WHERE relname = %s
        UNION
        SELECT array(SELECT unnest(reloptions) ORDER BY 1) FROM pg_class
        WHERE relname ~ %s AND relkind = 'r'
    """
    assert (
        len(await fetch_all(big, query, "q_plain", "^(template_pgmq_)?q_big(_p|_default|$)")) == 1
    )
    (archive,) = await fetch_all(big, "SELECT faststream_pgmq.archive_settings()")
    query = """
        SELECT DISTINCT array_to_string(reloptions, ', ') FROM pg_class
        WHERE relname ~ '^(template_pgmq_)?a_big(_p|_default|$)' AND relkind = 'r'
    """
    assert await fetch_all(big, query) == [archive.replace(" = ", "=")]


async def test_claims_and_acknowledgements_read_the_partitions_by_index(big: Session) -> None:
    await fill(big, vt="now()")
    async with big.transaction():
        claimed = await claim_messages(big, "big", mark=0, limit=100, lease=60)
        ended = await finish_messages(big, "big", claimed.deliveries, archive=True)
        assert (len(ended), await read_in_sequence(big)) == (100, 0)


async def test_the_next_due_message_is_found_by_index(big: Session) -> None:
    await fill(big, vt="now() + interval '1 hour'")
    async with big.transaction():
        claimed = await claim_messages(big, "big", mark=0, limit=100, lease=60)
        assert claimed.next_due is not None
        assert await read_in_sequence(big) == 0


async def fill(sql: Session, *, vt: str) -> None:
    insert: Any = f"""
        INSERT INTO pgmq.q_big (vt, message) SELECT {vt}, '1' FROM generate_series(1, 5000);
        ANALYZE pgmq.q_big
    """
    await sql.execute(insert)


async def read_in_sequence(sql: Session) -> int:
    """Return how many rows of the queue this transaction has read without an index."""
    query = """
        SELECT sum(seq_tup_read)::int FROM pg_stat_xact_user_tables WHERE relname LIKE 'q_big%'
    """
    return (await fetch_all(sql, query))[0]


async def test_overview_health_and_retention_know_partitions(big: Session) -> None:
    await big.execute("SELECT pgmq.send_batch('big', ARRAY['1', '2', '3']::jsonb[])")
    await big.execute("SELECT pgmq.archive('big', 2)")
    (held,) = await overview(big)
    assert (held.queue, held.ready) == ("big", 2)
    health = (await check_health(big)).queues[0]
    assert (health.queue, health.partitioned, health.doorbell) == ("big", True, True)
    assert health.table_bytes > 0
    assert await purge_archive(big, "big", older_than=timedelta()) == 1


async def test_a_dedup_key_cannot_be_used_there(big: Session, own_dsn: str) -> None:
    async with PgmqBroker(own_dsn, logger=None) as broker:
        await broker.connect()
        with pytest.raises(QueueWithoutKeysError, match="queue of partitions"):
            await broker.publish(1, "big", dedup_key="k")
        assert await broker.publish(1, "big") is not None
    await big.execute("SELECT pgmq.send('big_dlq', '1', '{\"dedup_key\": \"k\"}'::jsonb)")
    with pytest.raises(InvalidColumnReference):
        await big.execute("SELECT faststream_pgmq.redrive('big')")


async def test_what_pg_partman_drops_is_gone_handled_or_not(partman: Session) -> None:
    await create_partitioned_queue(partman, "big", partition_interval="1 day", retention="2 days")
    await partman.execute("""
        INSERT INTO pgmq.q_big (vt, enqueued_at, message)
        SELECT now(), now() - make_interval(days => n), to_jsonb(n) FROM generate_series(0, 4) AS n
    """)
    await partman.execute("SELECT partman.run_maintenance('pgmq.q_big')")
    left = await fetch_all(partman, "SELECT message::int FROM pgmq.q_big ORDER BY 1")
    assert 0 in left
    assert 4 not in left
