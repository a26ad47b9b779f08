"""Inspecting dead letters, putting them back, discarding them: from SQL and from Python."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest
from psycopg import AsyncConnection

from faststream_pgmq import (
    DeadLetter,
    LetterFilter,
    LetterNotFoundError,
    PgmqBroker,
    QueueNotFoundError,
    RetryPolicy,
)
from faststream_pgmq.annotations import PgmqMessage
from faststream_pgmq.dead_letters import (
    count_letters,
    discard_letters,
    find_letters,
    get_letter,
    redrive_letters,
)
from faststream_pgmq.letters import ALL
from tests.integration.faststream_pgmq.support import Job, eventually, fetch_all, is_drained, until

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def bury(
    sql: AsyncConnection[Any], count: int, *, first: int = 1, headers: str = "{}"
) -> None:
    """Add letters 1, 2, 3, …: those with an even number failed with a KeyError."""
    await sql.execute(
        """
        INSERT INTO pgmq.q_jobs_dlq (vt, message, headers)
        SELECT now(), jsonb_build_object('n', n), %s::jsonb || jsonb_build_object(
            'job_id', n, 'attempts', 3, 'released', 1, 'last_error', 'e', 'group', 'g' || n %% 3,
            'dead_letter', jsonb_build_object(
                'error', CASE n %% 2 WHEN 0 THEN 'KeyError' ELSE 'ValueError' END,
                'message', 'Problem ' || n, 'traceback', 'lines'))
        FROM generate_series(%s::int, %s::int) AS n
        """,
        (headers, first, first + count - 1),
    )


async def numbers(sql: AsyncConnection[Any], table: str = "q_jobs") -> list[int]:
    query: Any = f"SELECT (message->>'n')::int FROM pgmq.{table} ORDER BY msg_id"
    return await fetch_all(sql, query)


async def test_a_letter_shows_report_traceback_payload_and_trace(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    @broker.subscriber("jobs", retry=RetryPolicy(max_attempts=1))
    async def handle(job: Job) -> None:
        raise ValueError("not today")

    await broker.start()
    await broker.publish(Job(n=7), "jobs", headers={"traceparent": TRACE}, group="tenant")
    await eventually(lambda: is_drained(sql))

    (letter,) = await broker.dead_letters("jobs").find()
    assert letter == await broker.dead_letters("jobs").get(letter.msg_id)
    assert (letter.error, letter.error_message) == ("ValueError", "not today")
    assert (letter.message, letter.group) == ({"n": 7}, "tenant")
    assert letter.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert letter.report["attempts"] == 1
    assert "raise ValueError" in (letter.traceback or "")


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (ALL, [1, 2, 3, 4, 5, 6]),
        (LetterFilter(error="KeyError"), [2, 4, 6]),
        (LetterFilter(contains="pROBLEM 3"), [3]),
        (LetterFilter(contains="%"), []),
        (LetterFilter(group="g0"), [3, 6]),
        (LetterFilter(error="KeyError", group="g0"), [6]),
        (LetterFilter(since=datetime.now(UTC) - timedelta(days=1)), [1, 2, 3, 4, 5, 6]),
        (LetterFilter(until=datetime.now(UTC) - timedelta(days=1)), []),
    ],
)
async def test_letters_are_found_counted_and_redriven_by_filter(
    sql: AsyncConnection[Any], where: LetterFilter, expected: list[int]
) -> None:
    await bury(sql, 6)
    found = await find_letters(sql, "jobs", where)
    assert [letter.message["n"] for letter in found] == expected
    assert await count_letters(sql, "jobs", where) == len(expected)
    assert await redrive_letters(sql, "jobs", where=where) == len(expected)
    assert await numbers(sql) == expected


async def test_pages_follow_the_last_id(sql: AsyncConnection[Any]) -> None:
    await bury(sql, 5)
    first = await find_letters(sql, "jobs", limit=2)
    rest = await find_letters(sql, "jobs", limit=10, after=first[-1].msg_id)
    assert [letter.message["n"] for letter in (*first, *rest)] == [1, 2, 3, 4, 5]
    assert await count_letters(sql, "jobs", at_most=3) == 3


@pytest.mark.parametrize("headers", [None, "null", "[]", '"x"', "3", '{"dead_letter": 5}'])
async def test_a_letter_without_a_report_is_shown_and_redriven_too(
    sql: AsyncConnection[Any], headers: str | None
) -> None:
    await sql.execute("SELECT pgmq.send('jobs_dlq', '1'::jsonb, %s::jsonb)", (headers,))
    (letter,) = await find_letters(sql, "jobs")
    assert (letter.error, letter.traceback, letter.trace_id) == (None, None, None)
    assert await redrive_letters(sql, "jobs") == 1
    assert await fetch_all(sql, "SELECT message FROM pgmq.q_jobs") == [1]


async def test_a_redriven_message_wakes_a_sleeper_and_starts_with_no_attempt(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    seen: list[tuple[int, int, Any]] = []

    @broker.subscriber("jobs")
    async def handle(job: Job, message: PgmqMessage) -> None:
        seen.append((job.n, message.attempts, message.headers["job_id"]))

    await bury(sql, 2)
    await broker.start()
    assert await broker.dead_letters("jobs").redrive([1]) == 1
    await until(lambda: seen == [(1, 0, 1)])
    assert await broker.dead_letters("jobs").redrive() == 1
    await until(lambda: seen == [(1, 0, 1), (2, 0, 2)])
    spent = "ARRAY['attempts', 'released', 'dead_letter', 'last_error']"
    query: Any = f"SELECT headers ?| {spent} FROM pgmq.a_jobs"

    async def archived() -> bool:
        return await fetch_all(sql, query) == [False, False]

    # The handler has run; that its acknowledgement is written comes after.
    await eventually(archived)


async def test_a_redrive_leaves_alone_what_fails_again_meanwhile(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    failed: list[int] = []

    @broker.subscriber("jobs")
    async def handle(job: Job) -> None:
        failed.append(job.n)
        raise DeadLetter("never")

    await bury(sql, 30)
    await broker.start()
    done = await redrive_letters(sql, "jobs", chunk=3, rate=300)
    assert done == 30
    await until(lambda: len(failed) == 30)
    await eventually(lambda: is_drained(sql))
    assert sorted(await numbers(sql, "q_jobs_dlq")) == list(range(1, 31))


async def test_each_chunk_is_a_transaction_of_its_own(sql: AsyncConnection[Any], dsn: str) -> None:
    await bury(sql, 25)
    progress: list[int] = []
    async with await AsyncConnection.connect(dsn, autocommit=True) as other:
        redriving = asyncio.create_task(
            redrive_letters(sql, "jobs", chunk=10, rate=10, limit=20, on_progress=progress.append)
        )
        await until(lambda: progress == [10])
        assert len(await numbers(other)) == 10
        assert await redriving == 20
    assert progress == [10, 20]
    assert await numbers(sql, "q_jobs_dlq") == [21, 22, 23, 24, 25]


async def test_a_rate_is_kept(sql: AsyncConnection[Any]) -> None:
    await bury(sql, 6)
    began = monotonic()
    assert await redrive_letters(sql, "jobs", rate=20, chunk=2) == 6
    assert monotonic() - began > 0.19


async def test_two_who_redrive_the_same_letters_redrive_each_once(
    sql: AsyncConnection[Any], dsn: str
) -> None:
    await bury(sql, 300)
    async with await AsyncConnection.connect(dsn, autocommit=True) as other:
        both = await asyncio.gather(
            redrive_letters(sql, "jobs", chunk=7),
            redrive_letters(other, "jobs", range(300, 0, -1), chunk=11),
        )
    assert sum(both) == 300
    assert sorted(await numbers(sql)) == list(range(1, 301))


async def test_letters_with_a_key_merge_and_those_without_stay_apart(
    sql: AsyncConnection[Any],
) -> None:
    await bury(sql, 2)
    await bury(sql, 3, first=3, headers='{"dedup_key": "k", "traceparent": "t"}')
    assert await fetch_all(sql, "SELECT faststream_pgmq.redrive('jobs')") == [5]
    assert await numbers(sql) == [1, 2, 3]
    query = "SELECT headers->'tracelinks' FROM pgmq.q_jobs WHERE headers ? 'dedup_key'"
    assert await fetch_all(sql, query) == [["t", "t"]]


async def test_discarded_letters_go_to_the_archive_or_nowhere(sql: AsyncConnection[Any]) -> None:
    await bury(sql, 5)
    assert await discard_letters(sql, "jobs", [1, 2, 99]) == 2
    assert await discard_letters(sql, "jobs", [3], keep=False) == 1
    assert await numbers(sql, "a_jobs_dlq") == [1, 2]
    assert await discard_letters(sql, "jobs", where=LetterFilter(error="KeyError"), chunk=1) == 1
    assert await fetch_all(sql, "SELECT faststream_pgmq.discard('jobs', ARRAY[5])") == [1]
    assert await numbers(sql, "q_jobs_dlq") == []
    assert await numbers(sql) == []


async def test_nobody_discards_all_without_saying_so(sql: AsyncConnection[Any]) -> None:
    await bury(sql, 3)
    with pytest.raises(ValueError, match="say which"):
        await discard_letters(sql, "jobs")
    assert await fetch_all(sql, "SELECT faststream_pgmq.discard('jobs', NULL)") == [0]
    assert await discard_letters(sql, "jobs", []) == 0
    assert await redrive_letters(sql, "jobs", []) == 0
    assert await count_letters(sql, "jobs") == 3
    assert await discard_letters(sql, "jobs", where=ALL) == 3


async def test_what_is_not_there_is_named(sql: AsyncConnection[Any]) -> None:
    with pytest.raises(LetterNotFoundError, match="no dead letter 5"):
        await get_letter(sql, "jobs", 5)
    for call in (find_letters, count_letters, redrive_letters):
        with pytest.raises(QueueNotFoundError, match="nowhere"):
            await call(sql, "nowhere")


async def test_sql_lists_letters_by_filter(sql: AsyncConnection[Any]) -> None:
    await bury(sql, 4)
    query = """
        SELECT (message->>'n')::int, error_class, error_message
        FROM faststream_pgmq.dead_letters('Jobs', error => 'KeyError', after => 2)
    """
    assert await fetch_all(sql, query) == [(4, "KeyError", "Problem 4")]
