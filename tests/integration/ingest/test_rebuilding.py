"""The graph is rebuilt from Postgres: what it lacks or holds by older rules, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any, LiteralString
from uuid import uuid4

import pytest
from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from pydantic import TypeAdapter

from faststream_pgmq import PgmqBroker
from shared.domain.signals import RULES
from shared.messages import Ingest, Ingestion
from shared.postgres.jobs import count_messages, find_job
from shared.postgres.stored import LIST_FILES_AFTER, LIST_MEMORIES_AFTER, list_workspaces
from shared.rebuild import Rebuilt, Wanted, rebuild
from tests.integration.ingest.conftest import Handle, store_code, store_memory

Conn = AsyncConnection[TupleRow]
Run = Callable[..., Coroutine[Any, Any, Rebuilt]]
MAKE_OLD = """
MATCH (s:EntitySummary {workspace_id: $workspace, id: $id})
SET s.signal_rules = $rules REMOVE s.is_problem
"""
FORGET_SUMMARY = "MATCH (s:EntitySummary {workspace_id: $workspace, id: $id}) DETACH DELETE s"
SUMMARIES = """
MATCH (s:EntitySummary {workspace_id: $workspace})
RETURN s.signal_rules AS rules, s.is_problem IS NOT NULL AS knows_problems
"""


@pytest.fixture
async def run(
    conn: Conn, database: str, neo4j_driver: AsyncDriver, workspace: str
) -> AsyncIterator[Run]:
    async with PgmqBroker(database) as broker:

        async def run_to_end(**wanted: Any) -> Rebuilt:
            chosen = replace(Wanted(page=2), **wanted)
            steps = [one async for one in rebuild(conn, neo4j_driver, broker, workspace, chosen)]
            return steps[-1]

        yield run_to_end


@pytest.fixture
async def three_outdated(
    conn: Conn, handle: Handle, neo4j_driver: AsyncDriver, workspace: str
) -> list[Ingest]:
    """Five entities: one of older rules, one without a summary, one never seen."""
    known = [await store_memory(conn, workspace) for _ in range(3)]
    file = await store_code(conn, workspace, "a.py", "x = 1")
    await handle([*known, file])
    old, lost = f"memory:{known[0].memory_id}", f"code:{file.code_entity_id}"
    await neo4j_driver.execute_query(MAKE_OLD, workspace=workspace, id=old, rules=RULES - 1)
    await neo4j_driver.execute_query(FORGET_SUMMARY, workspace=workspace, id=lost)
    unseen = await store_memory(conn, workspace, project_name="bank")
    return [known[0], file, unseen]


async def queued(conn: Conn) -> list[Ingest]:
    rows = await conn.execute("DELETE FROM pgmq.q_memory_ingestion RETURNING message")
    return [TypeAdapter[Any](Ingestion).validate_python(row[0]) async for row in rows]


async def test_only_what_is_missing_or_of_older_rules_is_queued_in_one_job(
    conn: Conn, run: Run, three_outdated: list[Ingest], workspace: str
) -> None:
    done = await run()
    job = await find_job(conn, workspace, done.job_id)
    counts = await count_messages(conn, [done.job_id])

    assert (done.seen, done.outdated, done.queued) == (5, 3, 3)
    assert job is not None
    assert (job.kind, job.submitted, counts[job.id].waiting) == ("rebuild", 3, 3)


async def test_what_waits_already_is_not_queued_again(
    conn: Conn, run: Run, three_outdated: list[Ingest]
) -> None:
    await run()
    again = await run()

    assert (again.outdated, again.queued) == (3, 0)
    assert len(await queued(conn)) == 3


async def test_after_ingestion_everything_is_up_to_date(
    conn: Conn,
    run: Run,
    three_outdated: list[Ingest],
    handle: Handle,
    neo4j_driver: AsyncDriver,
    workspace: str,
) -> None:
    await run()
    outcome = await handle(await queued(conn))
    found = await neo4j_driver.execute_query(SUMMARIES, workspace=workspace)

    assert outcome.errors == {}
    assert [row["rules"] for row in found.records] == [RULES] * 5
    assert sum(row["knows_problems"] for row in found.records) == 4  # a file has no such signal
    assert (await run()).outdated == 0
    assert (await run(everything=True)).queued == 5


async def test_a_dry_run_counts_and_queues_nothing(
    conn: Conn, run: Run, three_outdated: list[Ingest], workspace: str
) -> None:
    done = await run(dry_run=True)

    assert (done.outdated, done.queued) == (3, 0)
    assert await queued(conn) == []
    assert await find_job(conn, workspace, done.job_id) is None


async def test_a_project_and_a_workspace_are_rebuilt_alone(
    conn: Conn, run: Run, three_outdated: list[Ingest], workspace: str
) -> None:
    other = f"team:{uuid4()}"
    await store_memory(conn, other, project_name="bank")
    done = await run(project_name="bank")

    assert (done.seen, done.queued) == (1, 1)
    assert await list_workspaces(conn) == sorted([workspace, other])


@pytest.mark.parametrize(
    ("statement", "condition"),
    [
        (LIST_MEMORIES_AFTER, "(workspace_id = 'w'::text) AND (chunk_id > 'a'::text)"),
        (LIST_FILES_AFTER, "(ROW(project_name, path) > ROW('a'::text, 'b'::text))"),
    ],
)
async def test_a_page_is_a_range_of_an_index(
    conn: Conn, statement: LiteralString, condition: str
) -> None:
    wanted = {"workspace_id": "w", "project_name": None, "after": ["a", "b"], "limit": 2}
    await conn.execute("SET enable_seqscan = off; SET enable_sort = off")
    rows = await (await conn.execute("EXPLAIN " + statement, wanted)).fetchall()
    plan = "\n".join(row[0] for row in rows)

    assert "Sort" not in plan
    assert condition in next(line for line in plan.splitlines() if "Index Cond" in line)
