"""Consumers that lie down, sleep and are relieved, beside senders; and who holds what meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from psycopg import AsyncConnection

from faststream_pgmq import doorbell, queries
from faststream_pgmq.delivery import Claimed, Delivery, Settlement
from faststream_pgmq.doorbell import Doorbell
from faststream_pgmq.postgres import PostgresQueues
from faststream_pgmq.subscriber.holding import Hand
from faststream_pgmq.subscriber.verdict import give_back
from tests.integration.faststream_pgmq.support import eventually, fetch_all, until
from tests.integration.faststream_pgmq.two_sessions import (
    HOUR,
    at_once,
    claim,
    expire,
    numbers,
    send,
)

Session = AsyncConnection[Any]
Read = Callable[[], Awaitable[Claimed]]
HELD = """
    SELECT granted FROM pg_locks
    WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ORDER BY 1
"""
HOLDERS = """
    SELECT pg_terminate_backend(pid) FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND mode = 'ExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
ASLEEP = [True, True]
ASLEEP_AND_ONE_IN_LINE = [False, True, True]
WANTS_BELL = [False, True]


class Sleeper:
    """A consumer that only sleeps; it notes each read."""

    def __init__(self, dsn: str, sql: Session) -> None:
        self.bell = Doorbell(dsn, "jobs")
        self.reads: list[list[int]] = []
        self._sql = sql

    async def read(self) -> Claimed:
        claimed = await queries.claim_messages(self._sql, "jobs", mark=0, limit=1, lease=HOUR)
        self.reads.append(numbers(claimed.deliveries))
        return claimed

    def sleep(self) -> asyncio.Task[Claimed]:
        return asyncio.create_task(self.bell.sleep(self.read, HOUR))


@pytest.fixture
async def sleepers(dsn: str, sql: Session) -> AsyncIterator[tuple[Sleeper, Sleeper]]:
    both = Sleeper(dsn, sql), Sleeper(dsn, sql)
    yield both
    for one in both:
        await one.bell.close()


@pytest.fixture
async def sender(dsn: str) -> AsyncIterator[Session]:
    """A session whose transactions stay open."""
    async with await AsyncConnection.connect(dsn) as conn:
        yield conn


async def until_locks(sql: Session, expected: list[bool]) -> None:
    async def is_so() -> bool:
        return await fetch_all(sql, HELD) == expected

    await eventually(is_so)


async def test_an_open_sender_keeps_a_consumer_awake_only_for_a_moment(
    sleepers: tuple[Sleeper, Sleeper], sender: Session, sql: Session
) -> None:
    await send(sender)
    claimed = await at_once(sleepers[0].sleep())
    assert (claimed.deliveries, sleepers[0].reads) == ([], [])
    assert await fetch_all(sql, HELD) == [], "who gave up holds nothing"

    await sender.commit()
    assert numbers((await at_once(sleepers[0].sleep())).deliveries) == [1]


@pytest.mark.parametrize("how", ["commit", "roll back"])
async def test_who_waits_for_an_open_sender_reads_once_it_has_ended_and_delays_no_other(
    sleepers: tuple[Sleeper, Sleeper],
    sender: Session,
    sql: Session,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doorbell, "SENDER_WAIT", HOUR)
    await send(sender)
    sleeping = sleepers[0].sleep()
    await until_locks(sql, WANTS_BELL)
    await at_once(sql.execute("SELECT pgmq.send('jobs', '7'::jsonb)"))
    await (sender.commit() if how == "commit" else sender.rollback())

    assert numbers((await at_once(sleeping)).deliveries) == ([1] if how == "commit" else [7])


async def test_the_bed_goes_from_who_is_woken_to_who_stands_in_line(
    sleepers: tuple[Sleeper, Sleeper], sql: Session
) -> None:
    first, second = sleepers
    sleeping = first.sleep()
    await until_locks(sql, ASLEEP)
    await until(lambda: first.reads)
    in_line = second.sleep()
    await until_locks(sql, ASLEEP_AND_ONE_IN_LINE)
    await send(sql, 2)

    assert (await at_once(sleeping)).deliveries == [], "woken by a ring: reads when it is up"
    assert numbers((await at_once(in_line)).deliveries) == [1]
    assert (first.reads, second.reads) == ([[]], [[1]])
    assert await fetch_all(sql, HELD) == []


async def test_who_stands_in_line_takes_over_from_a_sleeper_that_dies(
    sleepers: tuple[Sleeper, Sleeper], sql: Session
) -> None:
    first, second = sleepers
    sleeping = first.sleep()
    await until_locks(sql, ASLEEP)
    in_line = second.sleep()
    await until_locks(sql, ASLEEP_AND_ONE_IN_LINE)
    await sql.execute(HOLDERS)
    await asyncio.wait([sleeping])
    assert sleeping.exception() is not None
    await until_locks(sql, ASLEEP)
    await until(lambda: second.reads)  # with the locks it reads first: what came by then it returns
    await send(sql)

    assert (await at_once(in_line)).deliveries == []
    assert numbers(await claim(sql)) == [1]


class Owner:
    """What a hand asks of its subscriber."""

    queue = "jobs"

    def __init__(self, queues: PostgresQueues) -> None:
        self.queues = queues

    def log(self, text: str, level: int, delivery: Delivery | None = None) -> None: ...


async def test_a_heartbeat_does_not_hide_what_was_given_back(
    queues: PostgresQueues, sql: Session
) -> None:
    hand = Hand(Owner(queues), lease=0.03)
    await send(sql, 2)
    kept, returned = await claim(sql)
    hand.take([kept, returned])
    # As `Consumer` does; then the transaction commits, but its answer is still on its way.
    returned.ended = True
    await queues.settle("jobs", Settlement(deferred=[give_back(returned)]), archive=True)
    await expire(sql)
    beating = asyncio.create_task(hand.beat())
    extended = "SELECT 1 FROM pgmq.q_jobs WHERE vt > 'epoch' AND message = '1'"
    await eventually(lambda: fetch_all(sql, extended))
    beating.cancel()

    assert await fetch_all(sql, "SELECT message FROM pgmq.q_jobs WHERE vt = 'epoch'") == [2]


@pytest.fixture
async def queues(dsn: str) -> AsyncIterator[PostgresQueues]:
    """Opened queues."""
    queues = PostgresQueues(dsn, dsn, 2)
    await queues.open()
    yield queues
    await queues.close()
