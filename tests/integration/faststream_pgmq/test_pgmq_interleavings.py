"""Two sessions at the same rows: what each gets, and that nobody waits longer than is meant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus

from faststream_pgmq import queries
from faststream_pgmq.delivery import Dead, Delivery, Outgoing
from faststream_pgmq.sending import PsycopgSender
from tests.integration.faststream_pgmq.support import fetch_all
from tests.integration.faststream_pgmq.two_sessions import (
    HOUR,
    at_once,
    claim,
    expire,
    numbers,
    send,
    waiting,
)

Session = AsyncConnection[Any]


@pytest.fixture
async def one(dsn: str) -> AsyncIterator[Session]:
    """The session that comes first; its transactions stay open."""
    async with await AsyncConnection.connect(dsn) as conn:
        yield conn


@pytest.fixture
async def two(dsn: str) -> AsyncIterator[Session]:
    """The session that comes second; each statement of it commits."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        yield conn


async def end(conn: Session, how: str) -> None:
    """Commit or roll back what is open."""
    assert conn.info.transaction_status is TransactionStatus.INTRANS
    await (conn.commit() if how == "commit" else conn.rollback())


async def redrive(conn: Session, order: str = "NULL") -> int:
    query: Any = f"SELECT faststream_pgmq.redrive('jobs', {order})"
    return (await fetch_all(conn, query))[0]


async def bury(conn: Session, deliveries: list[Delivery]) -> set[int]:
    return await queries.bury_messages(conn, "jobs", [Dead(one, {}, {}) for one in deliveries])


async def ack(conn: Session, deliveries: list[Delivery]) -> set[int]:
    return await queries.finish_messages(conn, "jobs", deliveries, archive=True)


async def send_keyed(conn: Session, n: int) -> list[int | None]:
    message = Outgoing("jobs", str(n), {"dedup_key": "k", "traceparent": f"trace {n}"})
    return await PsycopgSender(conn).send("jobs", [message])


@pytest.mark.parametrize("how", ["commit", "roll back"])
async def test_two_claims_share_what_is_there_and_none_waits(
    one: Session, two: Session, sql: Session, how: str
) -> None:
    await send(sql, 4)
    assert numbers(await claim(one, 2)) == [1, 2]
    assert numbers(await at_once(claim(two))) == [3, 4]
    await end(one, how)

    again = await claim(two)
    assert numbers(again) == ([] if how == "commit" else [1, 2])
    assert {delivery.read_ct for delivery in again} <= {1}, "a claim that rolled back is none"


@pytest.mark.parametrize("how", ["commit", "roll back"])
async def test_a_heartbeat_never_waits_for_an_acknowledgement(
    one: Session, two: Session, sql: Session, how: str
) -> None:
    await send(sql, 2)
    held = await claim(two)
    await ack(one, held[:1])
    ids = {delivery.msg_id for delivery in held}
    assert await at_once(queries.extend_leases(two, "jobs", held, lease=HOUR)) == ids
    await end(one, how)

    ours = await queries.extend_leases(two, "jobs", held, lease=HOUR)
    assert ours == (ids - {held[0].msg_id} if how == "commit" else ids)


async def test_an_acknowledgement_waits_for_a_heartbeat_and_succeeds(
    one: Session, two: Session, sql: Session
) -> None:
    await send(sql)
    held = await claim(two)
    await queries.extend_leases(one, "jobs", held, lease=HOUR)
    acking = await waiting(sql, two.info.backend_pid, ack(two, held))
    await one.commit()

    assert await acking == {held[0].msg_id}


@pytest.mark.parametrize("how", ["commit", "roll back"])
async def test_a_late_acknowledgement_is_refused_if_a_claim_came_first(
    one: Session, two: Session, sql: Session, how: str
) -> None:
    await send(sql)
    held = await claim(two)
    await expire(sql)
    assert numbers(await claim(one)) == [1]
    acking = await waiting(sql, two.info.backend_pid, ack(two, held))
    await end(one, how)

    assert await acking == (set() if how == "commit" else {held[0].msg_id})
    left = await fetch_all(sql, "SELECT read_ct FROM pgmq.q_jobs")
    assert left == ([2] if how == "commit" else [])


@pytest.mark.parametrize("how", ["commit", "roll back"])
async def test_a_claim_passes_by_what_is_being_acknowledged_late(
    one: Session, two: Session, sql: Session, how: str
) -> None:
    await send(sql)
    held = await claim(two)
    await expire(sql)
    assert await ack(one, held) == {held[0].msg_id}
    assert await at_once(claim(two)) == []
    await end(one, how)

    assert numbers(await claim(two)) == ([] if how == "commit" else [1])


@pytest.mark.parametrize("how", ["commit", "roll back"])
@pytest.mark.parametrize("order", ["NULL", "ARRAY[3, 2, 1]"])
async def test_two_redrives_put_each_letter_back_once(
    one: Session, two: Session, sql: Session, how: str, order: str
) -> None:
    await send(sql, 3)
    await bury(sql, await claim(sql))
    assert await redrive(one, "ARRAY[1, 2, 3]") == 3
    second = await waiting(sql, two.info.backend_pid, redrive(two, order))
    await end(one, how)

    assert await second == (0 if how == "commit" else 3)
    assert await fetch_all(sql, "SELECT message FROM pgmq.q_jobs ORDER BY 1") == [1, 2, 3]
    assert await fetch_all(sql, "SELECT message FROM pgmq.q_jobs_dlq") == []


async def test_a_redrive_never_waits_for_a_letter_that_is_being_written(
    one: Session, two: Session, sql: Session
) -> None:
    await send(sql, 2)
    first, second = await claim(sql)
    await bury(sql, [first])
    await bury(one, [second])
    assert await at_once(redrive(two)) == 1
    await one.commit()

    assert await redrive(two) == 1
    assert await fetch_all(sql, "SELECT message FROM pgmq.q_jobs ORDER BY 1") == [1, 2]


async def test_a_failure_is_buried_while_a_redrive_is_open(
    one: Session, two: Session, sql: Session
) -> None:
    await send(sql, 2)
    first, second = await claim(sql)
    await bury(sql, [first])
    assert await redrive(one) == 1
    assert await at_once(bury(two, [second])) == {second.msg_id}
    await one.commit()

    assert await fetch_all(sql, "SELECT message FROM pgmq.q_jobs") == [1]
    assert await fetch_all(sql, "SELECT message FROM pgmq.q_jobs_dlq") == [2]


@pytest.mark.parametrize("how", ["commit", "roll back"])
async def test_a_claim_passes_by_a_message_that_another_is_being_merged_into(
    one: Session, two: Session, sql: Session, how: str
) -> None:
    await send_keyed(sql, 1)
    assert await send_keyed(one, 2) == [None]
    assert await at_once(claim(two)) == []
    await end(one, how)

    (delivery,) = await claim(two)
    links = delivery.headers.get("tracelinks", [])
    assert links == (["trace 2"] if how == "commit" else [])


@pytest.mark.parametrize("how", ["commit", "roll back"])
async def test_a_sender_waits_for_the_claim_of_the_message_that_its_own_would_be_merged_into(
    one: Session, two: Session, sql: Session, how: str
) -> None:
    await send_keyed(sql, 1)
    assert numbers(await claim(one)) == [1]
    sending = await waiting(sql, two.info.backend_pid, send_keyed(two, 2))
    await end(one, how)

    was_merged = await sending == [None]
    assert was_merged == (how == "roll back")
    left = await fetch_all(sql, "SELECT message FROM pgmq.q_jobs ORDER BY 1")
    assert left == ([1, 2] if how == "commit" else [1])
