"""A database with pgmq and the broker's SQL, and nothing of the application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from faststream_pgmq import PgmqBroker
from tests.integration.faststream_pgmq.own_server import OwnServer
from tests.integration.faststream_pgmq.support import NEVER, prepare

BrokerFactory = Callable[..., PgmqBroker]


@pytest.fixture(scope="session")
def queue_template(postgres_dsn: str) -> Iterator[str]:
    """The name of a database with two queues, `jobs` and `results`, that every test copies."""
    name = f"pgmqbroker_template_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_dsn, autocommit=True) as admin:
        admin.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        asyncio.run(prepare(make_conninfo(postgres_dsn, dbname=name)))
        yield name
        admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.fixture
def dsn(postgres_dsn: str, queue_template: str) -> Iterator[str]:
    """The connection string of this test's own database."""
    name = f"pgmqbroker_{uuid4().hex[:8]}"
    clone = SQL("CREATE DATABASE {} TEMPLATE {}")
    with psycopg.connect(postgres_dsn, autocommit=True) as admin:
        admin.execute(clone.format(Identifier(name), Identifier(queue_template)))
        yield make_conninfo(postgres_dsn, dbname=name)
        admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


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
