"""What a page costs does not depend on how much there is, nor on how many look at it."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, LiteralString

import httpx
from fastapi import FastAPI
from neo4j import AsyncDriver
from psycopg.types.json import Jsonb

from services.api.dashboard.registry import find_pages
from services.api.dashboard.shared_reads import KEPT_SECONDS
from services.ingest.graph_writes import write_batch
from services.ingest.measuring import Measured
from shared.postgres.live import TOPICS
from shared.postgres.queue_figures import FIND_FIGURES, FIND_SERIES
from tests.browser.seeds.traces import IMPORT, make_import
from tests.integration.api.conftest import Client
from tests.integration.api.letters import file_letters
from tests.integration.api.logging_in import logged_in
from tests.integration.api.queue_builders import Conn, sample_twice
from tests.integration.api.watched_pool import watched
from tests.integration.graph.builders import memory

QUEUE = "/dashboard/queues/memory_ingestion"
MOST_STATEMENTS = 3
MOST_SECONDS = 0.3
TRIES = 9
FILL_ARCHIVE: LiteralString = """
INSERT INTO pgmq.a_memory_ingestion
    (msg_id, read_ct, enqueued_at, last_read_at, archived_at, vt, message, headers)
SELECT n, 1, now() - n * interval '1 second', now() - n * interval '1 second',
       now() - n * interval '1 second', now(), '{}',
       jsonb_build_object('group', %(workspace_id)s::text, 'job_id',
                          '00000000-0000-4000-8000-' || lpad((n %% 20000)::text, 12, '0'))
FROM generate_series(1, 1000000) AS n
"""
FILL_JOBS: LiteralString = """
INSERT INTO jobs (id, workspace_id, user_id, kind, submitted, project_name, created_at)
SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, %(workspace_id)s,
       %(user_id)s, 'memory', 50, 'engine', now() - n * interval '1 minute'
FROM generate_series(0, 19999) AS n
"""
A_JOB = "00000000-0000-4000-8000-000000000007"
A_DONE_JOB = "00000000-0000-4000-8000-000000000008"
FILL_MINUTES: LiteralString = """
INSERT INTO queue_minutes (queue, minute, waiting, oldest_seconds, done, wait, run)
SELECT queue, date_trunc('minute', now()) - n * interval '1 minute', n % 50, n % 20, 100,
       array_fill(1, ARRAY[25]), array_fill(1, ARRAY[20])
FROM generate_series(1, 20000) AS n,
     unnest(ARRAY['memory_ingestion', 'pattern_detection', 'summary_generation']) AS queue
"""


async def test_a_million_archived_messages_make_no_page_slow(
    app: FastAPI, client: Client, conn: Conn, neo4j_driver: AsyncDriver
) -> None:
    # Without a log: the test is about reading.
    await conn.execute("ALTER TABLE pgmq.a_memory_ingestion SET UNLOGGED")
    whose = {"workspace_id": client.workspace_id, "user_id": client.user_id}
    await conn.execute(FILL_JOBS, whose)
    await conn.execute(FILL_ARCHIVE, whose)
    await conn.execute(FILL_MINUTES)
    await conn.execute("ANALYZE jobs, queue_minutes, pgmq.a_memory_ingestion")
    await sample_twice(conn)
    [letter] = await file_letters(conn, client.workspace_id, job_id=A_JOB)
    trace = make_import(client.workspace_id, messages=100)
    await conn.execute("SELECT save_spans(%s)", (Jsonb(trace),))
    said = memory(client.workspace_id)
    await write_batch(neo4j_driver, Measured([said], []))
    paths = [
        *[found.page.path for found in find_pages()],
        QUEUE,
        f"{QUEUE}/charts/times?minutes=60",
        f"{QUEUE}/charts/times?minutes=10080",
        "/dashboard/jobs?state=done",
        "/dashboard/jobs?search=type:memory",
        f"/dashboard/jobs/{A_JOB}",
        f"/dashboard/dead-letters/letters/memory_ingestion/{letter}",
        f"/dashboard/traces/{IMPORT}",
        f"/dashboard/search/memory/{said.entity.id}",
    ]
    async with logged_in(app, client.key) as http:
        for path in paths:
            async with watched(app) as statements:
                await seconds_of(http, path)
            asked = [one for one in statements if "supastate.workspaces" not in one]
            assert len(asked) <= MOST_STATEMENTS, (path, asked)
            took = statistics.median([await seconds_of_read(app, http, path) for _ in range(TRIES)])
            assert took < MOST_SECONDS, path
        assert A_DONE_JOB in (await http.get("/dashboard/jobs?state=done")).text


async def seconds_of_read(app: FastAPI, http: httpx.AsyncClient, path: str) -> float:
    """Return what the page costs who comes first: nothing was read for another tab."""
    for topic in TOPICS:
        app.state.parts.live.send(topic, "{}")
    return await seconds_of(http, path)


async def seconds_of(http: httpx.AsyncClient, path: str) -> float:
    """Return what the page costs: the processor's time in this process, and the wait for servers.

    Not the time that this process waits for a processor: that is what else the machine does.
    """
    with waiting() as waits:
        began = time.process_time()
        assert (await http.get(path)).status_code == 200, path
        return time.process_time() - began + sum(waits)


@contextmanager
def waiting() -> Generator[list[float]]:
    """Yield the seconds for which the loop has nothing to do but wait, one by one."""
    waits: list[float] = []
    # asyncio shows it to nobody, and every loop of Unix has one.
    selector: Any = vars(asyncio.get_running_loop())["_selector"]
    select: Callable[[float | None], object] = selector.select

    def timed(timeout: float | None = None) -> object:
        began = time.perf_counter()
        try:
            return select(timeout)
        finally:
            waits.append(time.perf_counter() - began)

    selector.select = timed
    try:
        yield waits
    finally:
        selector.select = select


async def test_fifty_tabs_ask_what_one_asks(app: FastAPI, client: Client, conn: Conn) -> None:
    await sample_twice(conn)
    lists = ("overview/now", "overview/throughput", "queues/rows")
    paths = [*(f"/dashboard/{one}" for one in lists), f"{QUEUE}/now", f"{QUEUE}/charts/backlog"]
    async with logged_in(app, client.key) as http, watched(app) as statements:
        for path in paths:
            await seconds_of(http, path)
            of_one, statements[:] = len(statements), []
            app.state.parts.live.send("queues", "{}")  # something changed
            began = time.perf_counter()
            answers = await asyncio.gather(*(http.get(path) for _ in range(50)))
            seconds = time.perf_counter() - began  # an answer is kept for one
            assert {answer.status_code for answer in answers} == {200}
            assert 0 < of_one <= len(statements) <= of_one * (1 + seconds // KEPT_SECONDS), path
            statements.clear()


async def test_figures_and_series_are_read_by_their_indexes(conn: Conn) -> None:
    await conn.execute(FILL_MINUTES)
    await conn.execute("ANALYZE queue_minutes")
    await sample_twice(conn)
    statements: list[tuple[LiteralString, dict[str, object]]] = [
        (FIND_FIGURES, {"queue": None, "minutes": 5, "lately": 60}),
        (
            FIND_SERIES,
            {"queue": "x", "since": "2026-01-05Z", "until": "2026-01-06Z", "step": "4 minutes"},
        ),
    ]
    for statement, values in statements:
        rows = await (await conn.execute("EXPLAIN " + statement, values)).fetchall()
        plan = "\n".join(str(row[0]) for row in rows)
        assert "queue_minutes" in plan
        assert "Seq Scan on queue_minutes" not in plan, plan
        assert "pgmq" not in plan
