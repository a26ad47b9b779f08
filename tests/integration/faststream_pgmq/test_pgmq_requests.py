"""A request waits for its answer: woken, not polling; nothing is left behind by who died."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from faststream.exceptions import IncorrectState
from psycopg import AsyncConnection

from faststream_pgmq import (
    DeadLetter,
    PgmqBroker,
    PgmqMessage,
    PgmqResponse,
    PgmqRouter,
    TestPgmqBroker,
    inbox,
)
from faststream_pgmq.annotations import PgmqMessage as Message
from faststream_pgmq.errors import OutdatedInstallError
from tests.integration.faststream_pgmq.conftest import BrokerFactory
from tests.integration.faststream_pgmq.support import Job, eventually, fetch_all

Start = Callable[[PgmqBroker], Any]


@pytest.fixture(params=["memory", "postgres"])
def start(request: pytest.FixtureRequest) -> Start:
    """Starts a broker for the length of a case."""

    @asynccontextmanager
    async def begin(broker: PgmqBroker) -> AsyncGenerator[None]:
        if request.param == "postgres":
            await broker.start()
            yield
            return
        async with TestPgmqBroker(broker, raise_errors=False):
            yield

    return begin


def add_doubling(broker: PgmqBroker) -> None:
    @broker.subscriber("jobs", max_workers=4)
    async def double(job: Job) -> dict[str, int]:
        return {"n": job.n * 2}


async def count_replies(sql: AsyncConnection[Any]) -> int:
    (count,) = await fetch_all(sql, "SELECT count(*) FROM faststream_pgmq.reply")
    return count


async def test_a_request_returns_what_the_handler_returned(
    broker: PgmqBroker, start: Start
) -> None:
    add_doubling(broker)
    async with start(broker):
        answer = await broker.request(Job(n=4), "jobs", correlation_id="c-1", timeout=5)
    assert isinstance(answer, PgmqMessage)
    assert await answer.decode() == {"n": 8}
    assert answer.correlation_id == "c-1"
    await answer.ack()


async def test_publishers_request_too_with_their_headers(broker: PgmqBroker, start: Start) -> None:
    router = PgmqRouter(prefix="jo")
    publisher = router.publisher("bs", headers={"from": "publisher"})

    @router.subscriber("bs")
    async def tell(body: str, message: Message) -> PgmqResponse:
        return PgmqResponse(body, headers={"heard": message.headers["from"]})

    broker.include_router(router)
    async with start(broker):
        answer = await publisher.request("hello", timeout=5)
    assert await answer.decode() == "hello"
    assert answer.headers["heard"] == "publisher"


async def test_each_of_many_requests_gets_its_own_answer(broker: PgmqBroker, start: Start) -> None:
    add_doubling(broker)
    async with start(broker):
        # With one correlation id for all: it is the user's, and no address.
        asked = [broker.request(Job(n=n), "jobs", correlation_id="x") for n in range(40)]
        answers = await asyncio.gather(*asked)
    assert [await answer.decode() for answer in answers] == [{"n": 2 * n} for n in range(40)]


async def test_a_request_that_fails_for_good_times_out_and_says_of_what(
    broker: PgmqBroker, start: Start
) -> None:
    @broker.subscriber("jobs")
    async def refuse(job: Job) -> None:
        raise DeadLetter("never")

    async with start(broker):
        with pytest.raises(TimeoutError, match=r"'jobs' within 0\.2 s \(correlation id c-2\)"):
            await broker.request(Job(n=1), "jobs", correlation_id="c-2", timeout=0.2)


async def test_a_handler_asks_another_one(broker: PgmqBroker, start: Start) -> None:
    add_doubling(broker)

    @broker.subscriber("results")
    async def ask(job: Job) -> Any:
        return await (await broker.request(job, "jobs", timeout=5)).decode()

    async with start(broker):
        answer = await broker.request(Job(n=3), "results", timeout=5)
    assert await answer.decode() == {"n": 6}


async def test_an_answer_wakes_its_requester_without_a_poll(
    broker: PgmqBroker, monkeypatch: pytest.MonkeyPatch, sql: AsyncConnection[Any]
) -> None:
    monkeypatch.setattr(inbox, "SAFETY_LOOK", 3600.0)
    add_doubling(broker)
    await broker.start()
    for n in range(5):
        assert await (await broker.request(Job(n=n), "jobs", timeout=5)).decode() == {"n": 2 * n}
    assert await count_replies(sql) == 0


async def test_the_answer_is_sent_by_the_transaction_that_acknowledges(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    add_doubling(broker)
    await broker.start()
    await broker.publish(Job(n=1), "jobs", reply_to="pgmq_reply.nobody/1")
    await eventually(lambda: count_replies(sql))
    # Rows of one transaction have its id.
    query = """
        SELECT (SELECT xmin::text FROM pgmq.a_jobs) = (SELECT xmin::text FROM faststream_pgmq.reply)
    """
    assert await fetch_all(sql, query) == [True]


async def test_a_rolled_back_acknowledgement_sends_no_answer(
    make_broker: BrokerFactory, sql: AsyncConnection[Any]
) -> None:
    await sql.execute("ALTER TABLE pgmq.a_jobs ADD CONSTRAINT no_archive CHECK (false) NOT VALID")
    broker = make_broker()
    add_doubling(broker)
    await broker.start()
    with pytest.raises(TimeoutError):
        await broker.request(Job(n=1), "jobs", timeout=0.5)
    assert await count_replies(sql) == 0


async def test_a_late_answer_is_given_to_nobody_and_does_not_stay(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    may_answer = asyncio.Event()

    @broker.subscriber("jobs", max_workers=2)
    async def answer(job: Job) -> int:
        await may_answer.wait()
        return job.n

    await broker.start()
    with pytest.raises(TimeoutError):
        await broker.request(Job(n=1), "jobs", timeout=0.05)
    may_answer.set()
    await eventually(lambda: count_replies(sql))
    assert await (await broker.request(Job(n=2), "jobs", timeout=5)).decode() == 2
    assert await count_replies(sql) == 0


async def test_the_answer_to_a_dead_requester_fails_no_handler_and_is_removed_in_time(
    make_broker: BrokerFactory, sql: AsyncConnection[Any]
) -> None:
    asking, answering = make_broker(), make_broker()
    add_doubling(answering)
    await asking.connect()
    request = asyncio.create_task(asking.request(Job(n=1), "jobs", timeout=60))
    await eventually(lambda: fetch_all(sql, "SELECT 1 FROM pgmq.q_jobs"))
    request.cancel()
    await asking.stop()

    await answering.start()
    await eventually(lambda: fetch_all(sql, "SELECT 1 FROM pgmq.a_jobs"))
    assert await fetch_all(sql, "SELECT 1 FROM pgmq.q_jobs_dlq") == []
    assert await count_replies(sql) == 1
    await sql.execute("UPDATE faststream_pgmq.reply SET sent_at = now() - interval '61 minutes'")
    await answering.request(Job(n=1), "jobs", timeout=5)
    assert await count_replies(sql) == 0


async def test_a_request_survives_the_loss_of_its_listener(
    broker: PgmqBroker, sql: AsyncConnection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "SAFETY_LOOK", 3600.0)
    may_answer = asyncio.Event()

    @broker.subscriber("jobs")
    async def answer(job: Job) -> int:
        await may_answer.wait()
        return job.n

    await broker.start()
    listening = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'LISTEN "pgmq_reply.%'
    """
    request = asyncio.create_task(broker.request(Job(n=7), "jobs", timeout=10))
    await eventually(lambda: fetch_all(sql, "SELECT 1 FROM pgmq.q_jobs WHERE read_ct = 1"))
    assert await fetch_all(sql, listening) == [True]
    await eventually(lambda: fetch_all(sql, listening.replace("pg_terminate_backend(pid)", "1")))
    may_answer.set()
    assert await (await request).decode() == 7


async def test_a_request_whose_notification_got_lost_is_answered_all_the_same(
    broker: PgmqBroker, sql: AsyncConnection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "SAFETY_LOOK", 0.1)
    await sql.execute("""
        CREATE OR REPLACE FUNCTION faststream_pgmq.send_reply(
            address text, message jsonb, headers jsonb DEFAULT '{}') RETURNS void
        LANGUAGE sql AS $$
            INSERT INTO faststream_pgmq.reply (inbox, address, message, headers)
            VALUES (split_part(address, '/', 1), address, message, headers)
        $$
    """)
    add_doubling(broker)
    await broker.start()
    assert await (await broker.request(Job(n=2), "jobs", timeout=5)).decode() == {"n": 4}


async def test_plain_sql_answers_a_request(broker: PgmqBroker, sql: AsyncConnection[Any]) -> None:
    await broker.connect()
    request = asyncio.create_task(broker.request({"n": 1}, "jobs", timeout=5))
    await eventually(lambda: fetch_all(sql, "SELECT 1 FROM pgmq.q_jobs"))
    await sql.execute("""
        WITH asked AS (DELETE FROM pgmq.q_jobs RETURNING message, headers)
        SELECT faststream_pgmq.send_reply(headers->>'reply_to', message) FROM asked
    """)
    assert await (await request).decode() == {"n": 1}


async def test_a_stopped_broker_listens_no_more(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    add_doubling(broker)
    await broker.start()
    await broker.request(Job(n=1), "jobs", timeout=5)
    await broker.stop()
    left = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN \"pgmq_reply.%'"
    await eventually(lambda: _none(sql, left))


async def _none(sql: AsyncConnection[Any], query: Any) -> bool:
    return not await fetch_all(sql, query)


async def test_a_request_over_an_old_install_says_what_to_run(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    await sql.execute("DROP TABLE faststream_pgmq.reply")
    await broker.connect()
    with pytest.raises(OutdatedInstallError, match="faststream-pgmq install"):
        await broker.request(Job(n=1), "jobs", timeout=5)


async def test_a_request_needs_a_connected_broker() -> None:
    with pytest.raises(IncorrectState, match="connect the broker first"):
        await PgmqBroker().request(1, "jobs")
