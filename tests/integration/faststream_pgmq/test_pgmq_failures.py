"""Retries, dead letters, isolation in batches, pauses."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from faststream import AckPolicy
from faststream.exceptions import NackMessage, RejectMessage
from psycopg import AsyncConnection

from faststream_pgmq import (
    BatchError,
    DeadLetter,
    Pause,
    PgmqBroker,
    PgmqResponse,
    Retry,
    RetryPolicy,
)
from faststream_pgmq.annotations import PgmqMessage
from tests.integration.faststream_pgmq.support import (
    Job,
    dead_letters,
    eventually,
    fetch_all,
    is_drained,
    until,
)

NACK = AckPolicy.NACK_ON_ERROR
FAST = RetryPolicy(max_attempts=3, initial_delay=0.05, jitter=0.0)


class SpitefulError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("even this fails")


async def test_a_failing_message_is_retried_with_backoff_then_dead_lettered(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    attempts: list[int] = []

    @broker.subscriber("jobs", retry=FAST)
    async def handle(job: Job, message: PgmqMessage) -> None:
        attempts.append(message.attempts)
        raise ValueError("no luck \x00 \ud800")

    await broker.start()
    msg_id = await broker.publish(Job(n=1), "jobs", headers={"job_id": "j", "traceparent": "00-t"})
    await eventually(lambda: is_drained(sql))

    assert attempts == [0, 1, 2]
    ((message, headers),) = await dead_letters(sql)
    report = headers["dead_letter"]
    assert message == {"n": 1}
    assert (headers["job_id"], headers["traceparent"]) == ("j", "00-t")
    assert (report["error"], report["message"]) == ("ValueError", "no luck \\x00 \\ud800")
    assert (report["attempts"], report["deliveries"]) == (3, 3)
    assert (report["queue"], report["msg_id"]) == ("jobs", msg_id)
    assert "raise ValueError" in report["traceback"]
    assert report["enqueued_at"] < report["failed_at"]


async def test_a_retried_message_waits_and_remembers_its_last_error(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    policy = RetryPolicy(initial_delay=60, multiplier=2, jitter=0.5)

    @broker.subscriber("jobs", retry=policy)
    async def handle(job: Job) -> None:
        raise ValueError("not yet")

    await broker.start()
    await broker.publish(Job(n=1), "jobs")
    query = """
        SELECT headers->>'last_error', extract(epoch FROM vt - now())::float8 FROM pgmq.q_jobs
        WHERE headers ? 'attempts'
    """
    ((last_error, delay),) = await eventually(lambda: fetch_all(sql, query))

    assert last_error == "ValueError: not yet"
    assert 29 < delay <= 60


@pytest.mark.parametrize("sent", ['{"n": "x"}', "{}", "[1]", '"text"', "null", '{"n": 1e400}'])
async def test_a_message_that_does_not_fit_is_dead_lettered_at_once_and_names_the_field(
    broker: PgmqBroker, sql: AsyncConnection[Any], sent: str
) -> None:
    @broker.subscriber("jobs")
    async def handle(job: Job) -> None: ...

    await broker.start()
    await sql.execute("SELECT pgmq.send('jobs', %s::jsonb)", (sent,))
    await eventually(lambda: is_drained(sql))

    ((_, headers),) = await dead_letters(sql)
    assert headers["dead_letter"]["error"] == "InvalidMessageError"
    assert headers["dead_letter"]["message"].split(":")[0] in {"n", "message"}
    assert "input_value" not in str(headers)


@pytest.mark.parametrize("headers", ["[]", '"dedup_key"', "7", "null", '{"attempts": "x"}'])
async def test_odd_headers_stop_nobody(
    broker: PgmqBroker, sql: AsyncConnection[Any], headers: str
) -> None:
    @broker.subscriber("jobs", retry=FAST)
    async def handle(job: Job) -> None:
        raise ValueError("so that they are written back")

    await broker.start()
    await sql.execute("SELECT pgmq.send('jobs', '{\"n\": 1}'::jsonb, %s::jsonb)", (headers,))
    await eventually(lambda: is_drained(sql))

    assert len(await dead_letters(sql)) == 1


async def test_an_error_that_cannot_be_printed_is_dead_lettered_too(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    @broker.subscriber("jobs", retry=RetryPolicy(max_attempts=1))
    async def handle(job: Job) -> None:
        raise SpitefulError

    await broker.start()
    await broker.publish(Job(n=1), "jobs")
    await eventually(lambda: is_drained(sql))

    ((_, headers),) = await dead_letters(sql)
    assert headers["last_error"].startswith("UnprintableError: SpitefulError")


@pytest.mark.parametrize(
    ("error", "policy", "ack_policy", "dead", "attempts"),
    [
        (DeadLetter("hopeless"), FAST, NACK, True, 1),
        (RejectMessage(), FAST, NACK, True, 1),
        (KeyError("x"), RetryPolicy(dead_letter_on=(LookupError,)), NACK, True, 1),
        (Retry(delay=0.01), FAST, NACK, True, 3),
        (NackMessage(delay=0.01), FAST, NACK, True, 3),
        (ValueError("x"), FAST, AckPolicy.REJECT_ON_ERROR, True, 1),
        (ValueError("x"), FAST, AckPolicy.ACK, False, 1),
        (ValueError("x"), FAST, AckPolicy.ACK_FIRST, False, 1),
    ],
)
async def test_the_error_and_the_policy_decide_how_a_message_ends(
    broker: PgmqBroker,
    sql: AsyncConnection[Any],
    error: Exception,
    policy: RetryPolicy,
    ack_policy: AckPolicy,
    dead: bool,
    attempts: int,
) -> None:
    calls: list[int] = []

    @broker.subscriber("jobs", retry=policy, ack_policy=ack_policy)
    async def handle(job: Job) -> None:
        calls.append(job.n)
        raise error

    await broker.start()
    await broker.publish(Job(n=1), "jobs")
    await eventually(lambda: is_drained(sql))

    await until(lambda: len(calls) == attempts)
    assert len(await dead_letters(sql)) == int(dead)
    assert len(await fetch_all(sql, "SELECT 1 FROM pgmq.a_jobs")) == int(not dead)


async def test_a_handler_may_end_its_message_itself(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    @broker.subscriber("jobs", ack_policy=AckPolicy.MANUAL)
    async def handle(job: Job, message: PgmqMessage) -> None:
        if job.n == 0:
            await message.ack()
        elif job.n == 1:
            await message.nack(delay=60)
        elif job.n == 2:
            await message.reject("not wanted")

    await broker.connect()
    await broker.publish_batch(*(Job(n=n) for n in range(4)), queue="jobs")
    await broker.start()
    await eventually(lambda: dead_letters(sql))

    query = "SELECT message->'n', headers ? 'attempts' FROM pgmq.q_jobs ORDER BY 1"
    assert await fetch_all(sql, query) == [(1, True), (3, False)]
    assert await fetch_all(sql, "SELECT message->'n' FROM pgmq.a_jobs") == [0]


async def test_only_the_culprit_of_a_batch_is_retried_and_its_mates_succeed(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    done: list[int] = []

    @broker.subscriber("jobs", batch=True, retry=FAST)
    @broker.publisher("results", batch=True)
    async def handle(jobs: list[Job]) -> list[int]:
        if any(job.n == 5 for job in jobs):
            raise ValueError("five is right out")
        done.extend(job.n for job in jobs)
        return [job.n for job in jobs]

    await broker.connect()
    await broker.publish_batch(*(Job(n=n) for n in range(10)), queue="jobs")
    await broker.start()
    await eventually(lambda: is_drained(sql))

    mates = [n for n in range(10) if n != 5]
    assert sorted(done) == mates
    assert sorted(await fetch_all(sql, "SELECT message FROM pgmq.q_results")) == mates
    ((message, headers),) = await dead_letters(sql)
    assert message == {"n": 5}
    assert headers["dead_letter"]["attempts"] == 3


async def test_an_invalid_message_never_reaches_the_handler_with_its_mates(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    calls: list[list[int]] = []

    @broker.subscriber("jobs", batch=True)
    async def handle(jobs: list[Job]) -> None:
        calls.append([job.n for job in jobs])

    await broker.connect()
    await broker.publish_batch({"n": 0}, {"n": "x"}, {}, {"n": 3}, queue="jobs")
    await broker.start()
    await eventually(lambda: is_drained(sql))

    assert calls == [[0, 3]]
    assert [message for message, _ in await dead_letters(sql)] == [{"n": "x"}, {}]


async def test_a_batch_handler_says_which_messages_failed(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    calls: list[int] = []

    @broker.subscriber("jobs", batch=True, retry=FAST)
    @broker.publisher("results")
    async def handle(jobs: list[Job]) -> list[PgmqResponse]:
        calls.append(len(jobs))
        replies = [PgmqResponse(job.n) for job in jobs if job.n not in {1, 2}]
        errors: dict[int, Exception] = {}
        for index, job in enumerate(jobs):
            if job.n == 1:
                errors[index] = DeadLetter("one")
            if job.n == 2:
                errors[index] = ValueError("two")
        if errors:
            raise BatchError(errors, replies=replies)
        return replies

    await broker.connect()
    await broker.publish_batch(*(Job(n=n) for n in range(4)), queue="jobs")
    await broker.start()
    await eventually(lambda: is_drained(sql))

    assert calls == [4, 1, 1]
    assert sorted(await fetch_all(sql, "SELECT message FROM pgmq.q_results")) == [0, 3]
    reports = [(m["n"], h["dead_letter"]["attempts"]) for m, h in await dead_letters(sql)]
    assert reports == [(1, 1), (2, 3)]


async def test_a_pause_gives_everything_back_and_a_probe_ends_it(
    broker: PgmqBroker, sql: AsyncConnection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faststream_pgmq.subscriber.consuming.FIRST_PROBE", 0.05)
    down = True
    probes: list[bool] = []
    done: list[int] = []

    async def probe() -> None:
        probes.append(down)
        if down:
            raise ConnectionError("still down")

    retry = RetryPolicy(max_attempts=1, pause_on=(ConnectionError,))

    @broker.subscriber("jobs", batch=True, max_messages=2, retry=retry, pause_probe=probe)
    async def handle(jobs: list[Job]) -> None:
        if down:
            raise ConnectionError("the graph is down")
        done.extend(job.n for job in jobs)

    await broker.connect()
    await broker.publish_batch(*(Job(n=n) for n in range(4)), queue="jobs")
    await broker.start()
    await until(lambda: len(probes) >= 2)
    waiting = "SELECT count(*) FROM pgmq.q_jobs WHERE vt <= now() AND NOT headers ? 'attempts'"
    assert await fetch_all(sql, waiting) == [4]
    down = False
    await eventually(lambda: is_drained(sql))

    assert sorted(done) == [0, 1, 2, 3]
    assert await dead_letters(sql) == []


async def test_without_a_probe_one_message_is_let_through_at_a_time(
    broker: PgmqBroker, sql: AsyncConnection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faststream_pgmq.subscriber.consuming.FIRST_PROBE", 0.02)
    calls: list[int] = []

    @broker.subscriber("jobs", batch=True)
    async def handle(jobs: list[Job]) -> None:
        calls.append(len(jobs))
        if len(calls) < 4:
            raise Pause("down")

    await broker.connect()
    await broker.publish_batch(*(Job(n=n) for n in range(5)), queue="jobs")
    await broker.start()
    await eventually(lambda: is_drained(sql))

    assert calls == [5, 1, 1, 1, 4]


async def test_pauses_in_a_row_grow_though_the_probe_passes_until_something_is_acknowledged(
    broker: PgmqBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faststream_pgmq.subscriber.consuming.FIRST_PROBE", 0.02)
    clock = asyncio.get_running_loop().time
    called_at: list[float] = []

    async def probe() -> None: ...

    @broker.subscriber("jobs", pause_probe=probe)
    async def handle(job: Job) -> None:
        called_at.append(clock())
        if len(called_at) != 8:
            raise Pause("the model does not answer, whatever its probe says")

    await broker.start()
    await broker.publish(Job(n=0), "jobs")
    await until(lambda: len(called_at) == 8)
    await broker.publish(Job(n=1), "jobs")
    await until(lambda: len(called_at) == 10)

    gaps = [later - earlier for earlier, later in itertools.pairwise(called_at)]
    assert all(gap >= 0.02 * 2**n for n, gap in enumerate(gaps[:7]))
    assert gaps[8] < 1.28


async def test_a_message_that_keeps_killing_its_worker_becomes_a_dead_letter(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    calls: list[int] = []

    @broker.subscriber("jobs", batch=True, retry=RetryPolicy(max_lost_deliveries=4))
    async def handle(jobs: list[Job]) -> None:
        calls.extend(job.n for job in jobs)

    await broker.connect()
    await broker.publish_batch(Job(n=0), Job(n=1), queue="jobs")
    await sql.execute("UPDATE pgmq.q_jobs SET read_ct = 5 WHERE message->>'n' = '0'")
    await broker.start()
    await eventually(lambda: is_drained(sql))

    assert calls == [1]
    ((message, headers),) = await dead_letters(sql)
    assert (message, headers["dead_letter"]["error"]) == ({"n": 0}, "LostDeliveriesError")


async def test_suspects_run_alone_so_that_mates_do_not_die_with_them(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    calls: list[list[int]] = []

    @broker.subscriber("jobs", batch=True)
    async def handle(jobs: list[Job]) -> None:
        calls.append([job.n for job in jobs])

    await broker.connect()
    await broker.publish_batch(*(Job(n=n) for n in range(4)), queue="jobs")
    await sql.execute("UPDATE pgmq.q_jobs SET read_ct = 3 WHERE message->>'n' IN ('1', '2')")
    await broker.start()
    await eventually(lambda: is_drained(sql))

    assert calls == [[0, 3], [1], [2]]
    assert await dead_letters(sql) == []


async def test_mates_of_a_suspect_are_given_back_before_it_runs(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    given_back: list[Any] = []

    @broker.subscriber("jobs", batch=True)
    async def handle(jobs: list[Job]) -> None:
        # What a handler that kills its worker right now would leave behind.
        if jobs[0].n == 0:
            given_back.extend(
                await fetch_all(
                    sql, "SELECT headers->>'released' FROM pgmq.q_jobs WHERE msg_id > 1"
                )
            )

    await broker.connect()
    await broker.publish_batch(*(Job(n=n) for n in range(3)), queue="jobs")
    await sql.execute("UPDATE pgmq.q_jobs SET read_ct = 3")
    await broker.start()
    await eventually(lambda: is_drained(sql))

    assert given_back == ["1", "1"]


@pytest.mark.parametrize(
    "reply",
    [
        PgmqResponse("x", queue="results", headers={"odd": object()}),
        PgmqResponse("x", queue="results", dedup_key="".join(map(chr, range(40, 3040)))),
        PgmqResponse("x", queue="nowhere"),
    ],
)
async def test_a_reply_that_cannot_be_written_fails_its_own_message_only(
    broker: PgmqBroker, sql: AsyncConnection[Any], reply: PgmqResponse
) -> None:
    @broker.subscriber("jobs", retry=RetryPolicy(max_attempts=1))
    @broker.publisher("results")
    async def handle(job: Job) -> PgmqResponse | None:
        return reply if job.n == 0 else None

    await broker.connect()
    await broker.publish_batch(*(Job(n=n) for n in range(3)), queue="jobs")
    await broker.start()
    await eventually(lambda: is_drained(sql))

    assert [message["n"] for message, _ in await dead_letters(sql)] == [0]
