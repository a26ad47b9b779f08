"""Creating queues beside other sessions: who waits, for whom, and for how long at most."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.errors import LockNotAvailable

from faststream_pgmq import create_queue
from tests.integration.faststream_pgmq.support import fetch_all
from tests.integration.faststream_pgmq.two_sessions import at_once, waiting

Session = AsyncConnection[Any]
CREATE = "SELECT faststream_pgmq.create_queue('fresh')"


@pytest.fixture
async def one(dsn: str) -> AsyncIterator[Session]:
    """The session that comes first; its transactions stay open."""
    async with await AsyncConnection.connect(dsn) as conn:
        yield conn


@pytest.mark.parametrize("how", ["commit", "roll back"])
async def test_two_who_create_one_queue_do_it_one_after_the_other(
    one: Session, sql: Session, dsn: str, how: str
) -> None:
    await one.execute(CREATE)
    async with await AsyncConnection.connect(dsn, autocommit=True) as two:
        second = await waiting(sql, two.info.backend_pid, create_queue(two, "fresh"))
        await (one.commit() if how == "commit" else one.rollback())
        await at_once(second)

    bells = """
        SELECT count(*) FROM pg_trigger
        WHERE tgname = 'faststream_pgmq_doorbell' AND tgrelid::regclass::text LIKE 'pgmq.q_fresh%'
    """
    assert await fetch_all(sql, bells) == [2]


async def test_who_hangs_a_doorbell_beside_an_open_sender_gives_up_instead_of_blocking_all(
    one: Session, sql: Session, dsn: str
) -> None:
    await sql.execute("SELECT pgmq.create('fresh')")
    await one.execute("SELECT pgmq.send('fresh', '1'::jsonb)")
    async with await AsyncConnection.connect(dsn, autocommit=True) as two:
        creating = await waiting(sql, two.info.backend_pid, create_queue(two, "fresh"))
        # Every other sender stands in line behind the waiting trigger, so it must not wait long.
        async with await AsyncConnection.connect(dsn, autocommit=True) as three:
            send = three.execute("SELECT pgmq.send('fresh', '2'::jsonb)")
            behind = await waiting(sql, three.info.backend_pid, send)
            with pytest.raises(LockNotAvailable):
                await creating
            await at_once(behind)

        await one.commit()
        await at_once(create_queue(two, "fresh"))


async def test_the_callers_own_limit_stays_what_it_was(sql: Session, one: Session) -> None:
    await sql.execute("SET lock_timeout = '123ms'")
    await create_queue(sql, "fresh")
    assert await fetch_all(sql, "SHOW lock_timeout") == ["123ms"]

    await one.execute(CREATE)
    assert await fetch_all(one, "SHOW lock_timeout") == ["0"]
