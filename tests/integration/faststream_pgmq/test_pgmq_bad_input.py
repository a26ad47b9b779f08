"""Whatever comes in: a clear error, the message in the dead letters, the consumer alive."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from psycopg import AsyncConnection

from faststream_pgmq import (
    DeadLetter,
    MessageTooLargeError,
    PgmqBroker,
    PgmqResponse,
    Retry,
    RetryPolicy,
    UnsendableMessageError,
)
from tests.integration.faststream_pgmq.support import (
    Job,
    dead_letters,
    eventually,
    fetch_all,
    is_drained,
    until,
)

ONCE = RetryPolicy(max_attempts=1)
BIG = "x" * 2_000_000
DEEP = "[" * 3_000 + "]" * 3_000
Sql = AsyncConnection[Any]


class SpitefulError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("even this fails")


class Abort(BaseException):
    """What a library raises past everybody's `except Exception`."""


async def letter_of(broker: PgmqBroker, sql: Sql) -> dict[str, Any]:
    """Send a good message after the bad ones; return the report of the only dead letter."""
    await broker.publish(Job(n=7), "jobs")
    await eventually(lambda: is_drained(sql))
    assert await fetch_all(sql, "SELECT message->'n' FROM pgmq.a_jobs") == [7], "it is alive"
    # By SQL alone: the letters may hold what Python cannot read.
    (report,) = await fetch_all(sql, "SELECT headers->'dead_letter' FROM pgmq.q_jobs_dlq")
    return report


def subscribe(broker: PgmqBroker, bad: Any) -> None:
    """Let a handler fail for the job 0, with `bad` if that is an error, or by returning it."""

    @broker.subscriber("jobs", retry=ONCE)
    @broker.publisher("results")
    async def handle(job: Job) -> Any:
        if job.n == 0 and isinstance(bad, BaseException):
            raise bad
        return bad if job.n == 0 else None


@pytest.mark.parametrize(
    "message",
    [
        '"not a job"',
        "null",
        "[1, 2]",
        '{"n": "text"}',
        '{"n": 1e400}',
        '{"n": "NaN"}',
        pytest.param('{"n": ' + "9" * 5_000 + "}", id="a huge number"),
        pytest.param(DEEP, id="deep"),
        pytest.param('{"n": ' + DEEP + "}", id="a deep field"),
    ],
)
async def test_what_no_handler_can_read_is_a_dead_letter_that_names_the_field(
    broker: PgmqBroker, sql: Sql, message: str
) -> None:
    subscribe(broker, None)
    await broker.start()
    await sql.execute("SELECT pgmq.send('jobs', %s::jsonb)", (message,))

    report = await letter_of(broker, sql)
    assert report["error"] == "InvalidMessageError"
    assert report["message"].split(":")[0] in {"n", "message"}
    (letter,) = await broker.dead_letters("jobs").find()
    assert letter.report == report


@pytest.mark.parametrize(
    "headers",
    [
        '{"reply_to": 7, "correlation_id": [], "group": {}, "dedup_key": 1}',
        '[1, "a"]',
        pytest.param('{"attempts": ' + "9" * 5_000 + "}", id="a huge number"),
        pytest.param(DEEP, id="deep"),
        pytest.param('{"a": ' + DEEP + "}", id="a deep field"),
    ],
)
@pytest.mark.parametrize("has_orjson", [True, False])
async def test_headers_of_any_kind_sent_by_sql_are_delivered(
    broker: PgmqBroker, sql: Sql, headers: str, has_orjson: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_orjson:  # FastStream uses it where it is installed
        monkeypatch.setattr("faststream_pgmq.queries.json_loads", json.loads)
    subscribe(broker, None)
    await broker.start()
    await sql.execute("SELECT pgmq.send('jobs', '{\"n\": 1}'::jsonb, %s::jsonb)", (headers,))

    await eventually(lambda: is_drained(sql))
    assert await fetch_all(sql, "SELECT message->'n' FROM pgmq.a_jobs") == [1]


async def test_deep_headers_do_not_hinder_a_dead_letter(broker: PgmqBroker, sql: Sql) -> None:
    subscribe(broker, ValueError("no"))
    await broker.start()
    query = "SELECT pgmq.send('jobs', '{\"n\": 0}'::jsonb, jsonb_build_object('a', %s::jsonb))"
    await sql.execute(query, (DEEP,))

    assert (await letter_of(broker, sql))["error"] == "ValueError"


async def test_what_sql_sends_beyond_the_limit_is_delivered_all_the_same(
    broker: PgmqBroker, sql: Sql
) -> None:
    seen: list[int] = []

    @broker.subscriber("jobs")
    async def handle(body: str) -> None:
        seen.append(len(body))

    await broker.start()
    await sql.execute("SELECT pgmq.send('jobs', to_jsonb(%s::text))", (BIG,))
    await until(lambda: seen)

    assert seen == [2_000_000]


@pytest.mark.parametrize(
    ("reply", "error", "reason"),
    [
        (PgmqResponse(BIG), "MessageTooLargeError", "queue 'results': 2,000,"),
        (PgmqResponse({"a": "b\x00"}), "UnsendableMessageError", "NUL"),
        (PgmqResponse("\ud800"), "UnsendableMessageError", "half a surrogate pair"),
        (PgmqResponse(b'{"n": 1e200000}'), "UnsendableMessageError", "overflows numeric"),
        (PgmqResponse(object()), "UnsendableMessageError", "cannot be encoded"),
        (PgmqResponse(1, headers={"odd": object()}), "UnsendableMessageError", "header 'odd'"),
        (PgmqResponse(1, headers={"odd": "\x00"}), "UnsendableMessageError", "header 'odd'"),
        (PgmqResponse(1, queue="nowhere"), "QueueNotFoundError", "create_queue"),
        (PgmqResponse(1, queue="q" * 60), "ValueError", "1 to 43 letters"),
    ],
)
async def test_a_reply_that_cannot_be_sent_is_its_handlers_failure(
    broker: PgmqBroker, sql: Sql, reply: PgmqResponse, error: str, reason: str
) -> None:
    subscribe(broker, reply)
    await broker.start()
    await broker.publish(Job(n=0), "jobs")

    report = await letter_of(broker, sql)
    assert report["error"] == error
    assert reason in report["message"]
    assert await fetch_all(sql, "SELECT 1 FROM pgmq.q_results") == []


@pytest.mark.parametrize("name", ["nowhere", "q" * 60, "a b; --"])
async def test_a_reply_to_header_that_names_no_queue_is_a_dead_letter(
    broker: PgmqBroker, sql: Sql, name: str
) -> None:
    @broker.subscriber("jobs", retry=ONCE)
    async def handle(job: Job) -> int | None:
        return None if job.n else 1

    await broker.start()
    headers = {"reply_to": name, "correlation_id": "c"}
    await broker.publish(Job(n=0), "jobs", headers=headers)

    assert (await letter_of(broker, sql))["error"] in {"QueueNotFoundError", "ValueError"}


async def test_a_reply_that_is_too_large_is_retried_and_dead_lettered_by_the_policy(
    broker: PgmqBroker, sql: Sql
) -> None:
    calls: list[int] = []
    quick = RetryPolicy(initial_delay=0.01, overrides={UnsendableMessageError: ONCE})

    @broker.subscriber("jobs", retry=quick)
    @broker.publisher("results")
    async def handle(job: Job) -> str:
        calls.append(job.n)
        return BIG

    await broker.start()
    await broker.publish(Job(n=0), "jobs")
    await eventually(lambda: is_drained(sql))

    ((_, headers),) = await dead_letters(sql)
    assert (calls, headers["dead_letter"]["attempts"]) == ([0], 1)


@pytest.mark.parametrize(
    ("error", "name", "text"),
    [
        (SpitefulError(), "UnprintableError", "SpitefulError"),
        (ExceptionGroup("g", [ValueError("a"), SpitefulError()]), "ExceptionGroup", "g (2 sub"),
        (BaseExceptionGroup("g", [Abort("a")]), "BaseExceptionGroup", "g (1 sub"),
        (Abort("past everybody"), "Abort", "past everybody"),
        (StopIteration("odd"), "RuntimeError", "StopIteration"),
        (asyncio.CancelledError(), "RuntimeError", "cancelled from inside"),
        (ValueError("NUL \x00 and \ud800"), "ValueError", "NUL \\x00 and \\ud800"),
        (ValueError("x" * 100_000), "ValueError", "xxx"),
    ],
)
async def test_whatever_a_handler_raises_ends_as_a_dead_letter(
    broker: PgmqBroker, sql: Sql, error: BaseException, name: str, text: str
) -> None:
    subscribe(broker, error)
    await broker.start()
    await broker.publish(Job(n=0), "jobs")

    report = await letter_of(broker, sql)
    assert report["error"] == name
    assert text in report["message"]


async def test_a_batch_whose_handler_raises_past_everybody_is_split_as_any(
    broker: PgmqBroker, sql: Sql
) -> None:
    @broker.subscriber("jobs", batch=True, retry=ONCE)
    async def handle(jobs: list[Job]) -> None:
        if any(job.n == 2 for job in jobs):
            raise Abort("two")

    await broker.connect()
    await broker.publish_batch(*(Job(n=n) for n in range(4)), queue="jobs")
    await broker.start()
    await eventually(lambda: is_drained(sql))

    assert [message for message, _ in await dead_letters(sql)] == [{"n": 2}]
    assert len(await fetch_all(sql, "SELECT 1 FROM pgmq.a_jobs")) == 3


async def test_what_is_raised_in_a_task_group_is_followed(broker: PgmqBroker, sql: Sql) -> None:
    async def give_up() -> None:
        raise DeadLetter("inside")

    async def fail() -> None:
        raise Retry("later", delay=3_600)

    @broker.subscriber("jobs")
    async def handle(job: Job) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail() if job.n else give_up())

    await broker.connect()
    await broker.publish_batch(Job(n=0), Job(n=1), queue="jobs")
    await broker.start()
    await eventually(lambda: dead_letters(sql))
    waiting = "SELECT vt > now() + interval '3500 s' FROM pgmq.q_jobs WHERE headers ? 'attempts'"

    assert await eventually(lambda: fetch_all(sql, waiting)) == [True]
    assert [message for message, _ in await dead_letters(sql)] == [{"n": 0}]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"a": "b\x00"}, "NUL"),
        ("a\x00b", "NUL"),
        ("\ud800", "half a surrogate pair"),
        ({"a": "\udfff"}, "cannot be encoded|half a surrogate pair"),
        (b'"\\ud800"', "half a surrogate pair"),
        (object(), "cannot be encoded: .*object"),
        (b'{"secret": 1e200000}', "Postgres cannot store it: value overflows numeric"),
    ],
)
async def test_a_body_that_cannot_be_stored_is_refused_and_not_repeated_in_the_error(
    broker: PgmqBroker, sql: Sql, body: Any, reason: str
) -> None:
    await broker.connect()
    with pytest.raises(UnsendableMessageError, match=f"message to queue 'jobs': .*({reason})"):
        await broker.publish(body, "jobs")
    with pytest.raises(UnsendableMessageError, match=reason) as error:
        await broker.publish_batch(1, body, queue="jobs")

    assert "secret" not in str(error.value)
    assert await is_drained(sql)


async def test_a_body_nested_too_deep_is_refused(broker: PgmqBroker, sql: Sql) -> None:
    body: list[Any] = []
    for _ in range(100_000):
        body = [body]
    await broker.connect()
    try:
        with pytest.raises(UnsendableMessageError, match="cannot be encoded"):
            await broker.publish(body, "jobs")
    finally:
        while body:  # so that nobody has to free it, one inside the other
            body = body.pop()

    assert await is_drained(sql)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("a\x00b", "contains a NUL"),
        ("\ud800", ".*half a surrogate pair"),
        (object(), "is no JSON"),
        ({"deep": [object()]}, "is no JSON"),
        ([10**5000], "is no JSON"),
    ],
)
async def test_a_header_that_cannot_be_stored_is_named(
    broker: PgmqBroker, sql: Sql, value: Any, reason: str
) -> None:
    await broker.connect()
    publisher = broker.publisher("jobs", headers={"odd": value})
    match = f"header 'odd' ({reason})"
    with pytest.raises(UnsendableMessageError, match=match):
        await broker.publish(1, "jobs", headers={"good": 1, "odd": value})
    with pytest.raises(UnsendableMessageError, match=f"message 1 of the batch.*{match}"):
        await broker.publish_batch(1, 2, queue="jobs", headers=[{}, {"odd": value}])
    with pytest.raises(UnsendableMessageError, match=match):
        await publisher.publish(1)

    assert await is_drained(sql)


async def test_a_header_whose_name_cannot_be_stored_is_named(broker: PgmqBroker) -> None:
    await broker.connect()
    with pytest.raises(UnsendableMessageError, match=r"header 'a\\x00'"):
        await broker.publish(1, "jobs", headers={"a\x00": 1})


async def test_a_limit_raised_lets_greater_messages_through(make_broker: Any, sql: Sql) -> None:
    broker = make_broker(max_message_bytes=3_000_000)
    await broker.connect()
    await broker.publish(BIG, "jobs")
    with pytest.raises(MessageTooLargeError):
        await broker.publish(BIG + BIG, "jobs")

    assert await fetch_all(sql, "SELECT length(message #>> '{}') FROM pgmq.q_jobs") == [2_000_000]
