"""`connection=`: the message is of the caller's transaction, whatever driver it runs on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from psycopg import AsyncClientCursor, AsyncConnection, AsyncRawCursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row, namedtuple_row
from sqlalchemy import URL, create_engine, text
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from faststream_pgmq import (
    PgmqBroker,
    QueueNotFoundError,
    UnsendableMessageError,
    UnsupportedConnectionError,
)
from faststream_pgmq.delivery import STATEMENT_MESSAGES
from tests.integration.faststream_pgmq.support import Job, fetch_all, until

SENT = "SELECT message FROM pgmq.q_jobs ORDER BY msg_id"


class Row(DeclarativeBase):
    """Parent of the caller's own tables."""


class Fact(Row):
    __tablename__ = "facts"
    n: Mapped[int] = mapped_column(primary_key=True)


def url_of(dsn: str, driver: str) -> URL:
    parts = {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
    return URL.create(
        f"postgresql+{driver}",
        username=parts.get("user"),
        password=parts.get("password"),
        host=parts.get("host"),
        port=int(parts["port"]),
        database=parts.get("dbname"),
    )


@pytest.fixture(params=["psycopg", "asyncpg"])
async def engine(
    request: pytest.FixtureRequest, dsn: str, sql: AsyncConnection[Any]
) -> AsyncIterator[AsyncEngine]:
    """The caller's engine, in a database with a table of the caller's."""
    await sql.execute("CREATE TABLE facts (n integer PRIMARY KEY)")
    engine = create_async_engine(url_of(dsn, request.param))
    yield engine
    await engine.dispose()


async def test_a_session_that_rolls_back_leaves_neither_row_nor_message(
    broker: PgmqBroker, sql: AsyncConnection[Any], engine: AsyncEngine
) -> None:
    await broker.connect()
    async with AsyncSession(engine) as session:
        assert await broker.publish(Job(n=1), "jobs", connection=session) == 1
        await broker.publish_batch(1, 2, queue="jobs", connection=session)
        session.add(Fact(n=1))
        await session.flush()
        await session.rollback()

    assert await fetch_all(sql, SENT) == []
    assert await fetch_all(sql, "SELECT n FROM facts") == []


async def test_a_sessions_rows_and_its_message_appear_together_and_ring_the_bell(
    broker: PgmqBroker, sql: AsyncConnection[Any], engine: AsyncEngine
) -> None:
    visible: list[int] = []

    @broker.subscriber("jobs")
    async def handle(job: Job) -> None:
        visible.extend(await fetch_all(sql, "SELECT n FROM facts"))

    await broker.start()
    async with AsyncSession(engine) as session, session.begin():
        session.add(Fact(n=7))
        await broker.publish(Job(n=7), "jobs", connection=session)
        assert visible == []
    await until(lambda: visible == [7])


async def test_a_connection_and_a_scoped_session_will_do_as_well(
    broker: PgmqBroker, sql: AsyncConnection[Any], engine: AsyncEngine
) -> None:
    await broker.connect()
    scoped = async_scoped_session(async_sessionmaker(engine), scopefunc=lambda: 1)
    await broker.publish(1, "jobs", connection=scoped)
    await scoped.commit()
    await scoped.close()
    async with engine.begin() as conn:
        ids = await broker.publish_batch(2, 3, queue="jobs", connection=conn)

    assert ids == [2, 3]
    assert await fetch_all(sql, SENT) == [1, 2, 3]


async def test_keys_delays_and_headers_go_through_a_session_too(
    broker: PgmqBroker, sql: AsyncConnection[Any], engine: AsyncEngine
) -> None:
    await broker.connect()
    async with AsyncSession(engine) as session, session.begin():
        options: dict[str, Any] = {"dedup_key": "k", "delay": 60, "headers": {"a": "ü"}}
        assert await broker.publish(1, "jobs", **options, connection=session) == 1
        assert await broker.publish(2, "jobs", **options, connection=session) is None

    query = "SELECT message, headers->>'a', vt > now() FROM pgmq.q_jobs"
    assert await fetch_all(sql, query) == [(1, "ü", True)]


async def test_a_session_outlives_a_great_batch_that_cannot_be_sent(
    broker: PgmqBroker, sql: AsyncConnection[Any], engine: AsyncEngine
) -> None:
    await broker.connect()
    async with AsyncSession(engine) as session, session.begin():
        session.add(Fact(n=1))
        await session.flush()
        bodies = [*range(STATEMENT_MESSAGES), "\x00"]
        with pytest.raises(UnsendableMessageError, match="message 5000 of the batch"):
            await broker.publish_batch(*bodies, queue="jobs", connection=session)
        await broker.publish_batch(*range(STATEMENT_MESSAGES + 1), queue="jobs", connection=session)

    assert await fetch_all(sql, "SELECT n FROM facts") == [1]
    assert await fetch_all(sql, "SELECT count(*) FROM pgmq.q_jobs") == [STATEMENT_MESSAGES + 1]


async def test_an_unknown_queue_is_named_through_a_session_too(
    broker: PgmqBroker, engine: AsyncEngine
) -> None:
    await broker.connect()
    async with AsyncSession(engine) as session:
        with pytest.raises(QueueNotFoundError, match=r"create_queue\(connection, 'nowhere'\)"):
            await broker.publish(1, "nowhere", connection=session)


async def test_what_only_postgres_can_refuse_is_unsendable_through_a_session_too(
    broker: PgmqBroker, engine: AsyncEngine
) -> None:
    await broker.connect()
    async with AsyncSession(engine) as session:
        with pytest.raises(UnsendableMessageError, match="overflows numeric") as error:
            await broker.publish(b'{"secret": 1e200000}', "jobs", connection=session)
    assert error.value.__cause__ is None


@pytest.mark.parametrize(
    "options",
    [
        {"row_factory": dict_row},
        {"row_factory": namedtuple_row},
        {"cursor_factory": AsyncRawCursor},
        {"cursor_factory": AsyncClientCursor},
        {"autocommit": True},
        {"prepare_threshold": None},
    ],
)
async def test_the_callers_rows_and_cursors_may_be_of_any_kind(
    broker: PgmqBroker, sql: AsyncConnection[Any], dsn: str, options: dict[str, Any]
) -> None:
    await broker.connect()
    async with await AsyncConnection.connect(dsn, **options) as conn:
        assert await broker.publish(1, "jobs", connection=conn) == 1
        assert await broker.publish_batch(2, 3, queue="jobs", connection=conn) == [2, 3]
        cursor = conn.cursor()
        assert await broker.publish(4, "jobs", dedup_key="k", connection=cursor) == 4
        await conn.commit()

    assert await fetch_all(sql, SENT) == [1, 2, 3, 4]


async def test_a_cursor_keeps_the_rows_its_owner_has_not_fetched_yet(
    broker: PgmqBroker, dsn: str
) -> None:
    await broker.connect()
    conn = await AsyncConnection.connect(dsn)
    async with conn, conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute("SELECT generate_series(1, 2) AS n")
        await broker.publish(1, "jobs", connection=cursor)
        assert await cursor.fetchall() == [{"n": 1}, {"n": 2}]


async def test_a_transaction_in_pipeline_mode_sends_and_rolls_back_as_any(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    await broker.connect()
    async with sql.pipeline(), sql.transaction():
        await sql.execute("SELECT 1")
        assert await broker.publish(1, "jobs", connection=sql) == 1
        assert await broker.publish_batch(2, 3, queue="jobs", connection=sql.cursor()) == [2, 3]
    async with sql.pipeline(), sql.transaction(force_rollback=True):
        await broker.publish(4, "jobs", connection=sql)
        count = STATEMENT_MESSAGES + 1
        assert len(await broker.publish_batch(*range(count), queue="jobs", connection=sql)) == count

    assert await fetch_all(sql, SENT) == [1, 2, 3]


async def test_a_statement_that_fails_in_pipeline_mode_is_explained(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    await broker.connect()
    with pytest.raises(QueueNotFoundError, match="nowhere"):
        async with sql.pipeline(), sql.transaction():
            await broker.publish(1, "nowhere", connection=sql)


async def test_what_the_broker_cannot_send_through_is_refused_and_the_error_says_what_it_can(
    broker: PgmqBroker, dsn: str
) -> None:
    await broker.connect()
    engine = create_engine(url_of(dsn, "psycopg"))
    with engine.connect() as conn, Session(engine) as session, psycopg.connect(dsn) as plain:
        refused: list[Any] = [conn, session, plain, plain.cursor(), dsn, object()]
        for given in refused:
            with pytest.raises(UnsupportedConnectionError, match="psycopg AsyncConnection or"):
                await broker.publish(1, "jobs", connection=given)
    engine.dispose()


async def test_a_session_over_another_database_is_refused_and_named(broker: PgmqBroker) -> None:
    class Dialect:
        name, driver = "sqlite", "aiosqlite"

    class Elsewhere:
        dialect = Dialect()

        async def exec_driver_sql(self, statement: str, parameters: Any = None) -> Any: ...
        def begin_nested(self) -> Any: ...

    await broker.connect()
    with pytest.raises(UnsupportedConnectionError, match=r"over sqlite\+aiosqlite"):
        await broker.publish(1, "jobs", connection=Elsewhere())
    with pytest.raises(UnsupportedConnectionError, match=r"over sqlite\+aiosqlite"):
        await broker.publish_batch(1, queue="jobs", connection=Elsewhere())


async def test_a_statement_of_the_sessions_own_runs_before_and_after(
    broker: PgmqBroker, sql: AsyncConnection[Any], engine: AsyncEngine
) -> None:
    await broker.connect()
    async with AsyncSession(engine) as session:
        await session.execute(text("INSERT INTO facts VALUES (1)"))
        await broker.publish(1, "jobs", connection=session)
        await session.execute(text("INSERT INTO facts VALUES (2)"))
        await session.commit()

    query = "SELECT f.xmin = q.xmin FROM facts f, pgmq.q_jobs q"
    assert await fetch_all(sql, query) == [True, True]
