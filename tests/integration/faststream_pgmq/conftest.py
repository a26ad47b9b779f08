"""A database with pgmq and the broker's SQL, and nothing of the application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from faststream_pgmq import PgmqBroker
from tests.databases import own_database
from tests.integration.faststream_pgmq.own_server import OwnServer
from tests.integration.faststream_pgmq.support import NEVER, prepare

BrokerFactory = Callable[..., PgmqBroker]


@pytest.fixture(scope="session")
def queue_template(postgres_dsn: str) -> Iterator[str]:
    """The name of a database with two queues, `jobs` and `results`, that every test copies."""
    with own_database(postgres_dsn, "pgmqbroker_template") as dsn:
        asyncio.run(prepare(dsn))
        yield str(conninfo_to_dict(dsn)["dbname"])


@pytest.fixture
def dsn(postgres_dsn: str, queue_template: str) -> Iterator[str]:
    """The connection string of this test's own database."""
    with own_database(postgres_dsn, "pgmqbroker", template=queue_template) as own:
        yield own


@pytest.fixture
async def sql(dsn: str) -> AsyncIterator[AsyncConnection[Any]]:
    """A connection of somebody who knows nothing of the broker."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        yield conn


@pytest.fixture
async def make_broker(dsn: str) -> AsyncIterator[BrokerFactory]:
    """Makes brokers that never poll, and stops them at the end."""
    brokers: list[PgmqBroker] = []

    def make(**options: Any) -> PgmqBroker:
        settings: dict[str, Any] = {"poll_interval": NEVER, "logger": None, **options}
        broker = PgmqBroker(dsn, **settings)
        brokers.append(broker)
        return broker

    yield make
    for broker in brokers:
        await broker.stop()


@pytest.fixture
def broker(make_broker: BrokerFactory) -> PgmqBroker:
    """A broker that never polls."""
    return make_broker()


@pytest.fixture
async def own_server(tmp_path: Path) -> AsyncIterator[OwnServer]:
    """A server that this test may stop and configure; its database has the two queues."""
    server = OwnServer(tmp_path / "own")
    try:
        await asyncio.to_thread(server.start)
        await prepare(server.dsn)
        yield server
    finally:
        await asyncio.to_thread(server.stack.delete_data)


@pytest.fixture
async def old(dsn: str) -> AsyncIterator[AsyncConnection[Any]]:
    """A session that holds a snapshot, from before anything died."""
    named = make_conninfo(dsn, application_name="nightly report")
    async with await AsyncConnection.connect(named) as conn:
        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await conn.execute("SELECT 1")
        yield conn
