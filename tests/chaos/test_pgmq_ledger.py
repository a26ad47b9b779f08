"""What a minute of kills, stops and cut connections does to 20,000 messages: nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.chaos.consumers import Consumers
from tests.databases import own_database
from tests.integration.faststream_pgmq.support import eventually, fetch_all, is_drained, prepare

pytestmark = pytest.mark.chaos

MESSAGES = 20_000
PORTION = 200
CHAOS_SECONDS = 60.0
LEDGER = """
    CREATE TABLE ledger (
        n integer, msg_id bigint, read_ct integer, worker text,
        entered_at timestamptz NOT NULL DEFAULT clock_timestamp());
    CREATE INDEX ON ledger (worker, entered_at);
    CREATE TABLE refused (worker text PRIMARY KEY, count integer NOT NULL)
"""
SEND = """
    SELECT pgmq.send_batch('jobs', ARRAY(
        SELECT jsonb_build_object('n', n) FROM generate_series(%s::int, %s::int) AS n))
"""
WITHOUT_EFFECT = """
    SELECT sent.n FROM generate_series(1, %s) AS sent (n)
    WHERE NOT EXISTS (SELECT FROM ledger WHERE ledger.n = sent.n)
"""
# Who acknowledged: the archive keeps the fence. A stale acknowledgement that was let through would
# have ended a delivery before its effect.
ENDED_BY_ANOTHER = """
    SELECT msg_id FROM pgmq.a_jobs AS done WHERE NOT EXISTS (
        SELECT FROM ledger WHERE ledger.msg_id = done.msg_id AND ledger.read_ct = done.read_ct
            AND ledger.entered_at <= done.archived_at)
"""


@pytest.fixture
async def dsn(postgres_dsn: str) -> AsyncIterator[str]:
    """A database with the queue, the ledger, and what consumers report."""
    with own_database(postgres_dsn, "ledger") as own:
        await prepare(own)
        yield own


@pytest.fixture
async def sql(dsn: str) -> AsyncIterator[AsyncConnection[Any]]:
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        await conn.execute(LEDGER)
        yield conn


@pytest.fixture
async def consumers(dsn: str, sql: AsyncConnection[Any]) -> AsyncIterator[Consumers]:
    consumers = Consumers(dsn, sql, count=4, seed=4)
    yield consumers
    await consumers.kill()


async def send_all(dsn: str) -> None:
    """Send in portions, so that consumers work, sleep and are woken, until all were disturbed."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as sender:
        for first in range(1, MESSAGES, PORTION):
            await sender.execute(SEND, (first, first + PORTION - 1))
            await asyncio.sleep(CHAOS_SECONDS * PORTION / MESSAGES * 1.1)


async def count(sql: AsyncConnection[Any], query: Any) -> int:
    return (await fetch_all(sql, query))[0]


async def test_a_minute_of_chaos_loses_no_message_and_lets_no_stale_acknowledgement_through(
    consumers: Consumers, sql: AsyncConnection[Any], dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await consumers.start()
    await asyncio.gather(send_all(dsn), consumers.disturb(CHAOS_SECONDS))
    await eventually(lambda: is_drained(sql), 40)
    await consumers.end()

    effects = await count(sql, "SELECT count(*) FROM ledger")
    refused = await count(sql, "SELECT coalesce(sum(count), 0)::int FROM refused")
    with capsys.disabled():
        print(f"\n{MESSAGES} messages, {effects} effects, {refused} stale acknowledgements refused")
        print(f"disturbed: {dict(consumers.done)}")
    assert await fetch_all(sql, WITHOUT_EFFECT, MESSAGES) == []
    assert await count(sql, "SELECT count(DISTINCT msg_id) FROM pgmq.a_jobs") == MESSAGES
    assert await count(sql, "SELECT count(*) FROM pgmq.q_jobs_dlq") == 0
    assert await fetch_all(sql, ENDED_BY_ANOTHER) == []
    assert refused > 0
    assert set(consumers.done) == {"kill", "stop", "end", "cut off"}
