"""An idle service runs no query between safety polls: the server's log of statements says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import LiteralString

import pytest

from faststream_pgmq import PgmqBroker
from tests.integration.faststream_pgmq.own_server import OwnServer
from tests.integration.faststream_pgmq.support import NEVER, Job, eventually, fetch_all, until

Start = Callable[..., Awaitable[PgmqBroker]]
QUIET_SECONDS = 4.0
HOLDS_LOCKS: LiteralString = (
    "SELECT count(*) = 4 FROM pg_locks WHERE locktype = 'advisory' AND granted"
)
WAITS_IN_LINE: LiteralString = (
    "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
)


async def log_statements(server: OwnServer) -> Callable[[], list[str]]:
    """Return what returns the statements that ran since this call, whoever sent them."""
    await server.configure("ALTER SYSTEM SET log_statement = 'all'")
    log = server.stack.home.log("postgres")
    begin = log.stat().st_size

    def read() -> list[str]:
        lines = log.read_bytes()[begin:].decode().splitlines()
        return [line for line in lines if "statement: " in line or "execute " in line]

    return read


@pytest.fixture
async def start(own_server: OwnServer) -> AsyncIterator[Callable[..., Awaitable[PgmqBroker]]]:
    """Starts brokers whose pools have grown to all their connections."""
    brokers: list[PgmqBroker] = []

    async def start(*queues: str, poll_interval: float = NEVER) -> PgmqBroker:
        broker = PgmqBroker(own_server.dsn, poll_interval=poll_interval, logger=None)
        brokers.append(broker)
        for queue in queues:
            broker.subscriber(queue)(handle)
        await broker.start()
        await asyncio.gather(*(broker.ping() for _ in range(20)))
        return broker

    yield start
    for broker in brokers:
        await broker.stop()


async def handle(job: Job) -> None:
    """There is nothing to do."""


async def until_true(server: OwnServer, query: LiteralString) -> None:
    async with await server.connect("postgres") as sql:

        async def holds() -> bool:
            return (await fetch_all(sql, query)) == [True]

        await eventually(holds)


async def test_idle_subscribers_and_their_pool_run_no_query(
    own_server: OwnServer, start: Start
) -> None:
    broker = await start("jobs", "results")
    await until_true(own_server, HOLDS_LOCKS)
    statements = await log_statements(own_server)
    before = statements()
    await asyncio.sleep(QUIET_SECONDS)  # nothing to wait for: this is the silence itself
    assert statements() == before
    await broker.publish(Job(n=21), "jobs")
    await until(lambda: len(statements()) > len(before))


async def test_whoever_waits_in_the_line_of_sleepers_runs_no_query_either(
    own_server: OwnServer, start: Start
) -> None:
    for _ in range(2):
        await start("jobs")
    await until_true(own_server, WAITS_IN_LINE)
    statements = await log_statements(own_server)
    before = statements()
    await asyncio.sleep(QUIET_SECONDS)
    assert statements() == before


async def test_a_safety_poll_is_one_look_and_one_probe(own_server: OwnServer, start: Start) -> None:
    await start("jobs", poll_interval=1.0)
    statements = await log_statements(own_server)
    await asyncio.sleep(QUIET_SECONDS)
    reads = [line for line in statements() if "FOR UPDATE SKIP LOCKED" in line]
    probes = [line for line in statements() if "pg_advisory_unlock_all" in line]
    assert 2 <= len(probes) <= 4
    # One before it lies down, and one more once it holds the lock.
    assert len(reads) <= 2 * (len(probes) + 1)
