"""Detection requests on the real queue, handled by the real worker."""

from __future__ import annotations

import json
from typing import Any, LiteralString
from uuid import UUID, uuid4

from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.api.job_answers import job_state
from services.patterns.detectors import DETECTORS
from shared.messages import JOB_ID_HEADER
from shared.postgres.job_cancelling import cancel_job
from shared.postgres.jobs import Progress, count_messages, create_job, find_job
from shared.postgres.workspaces import show_workspaces
from tests.conftest import DELETE_WORKSPACE, Servers
from tests.integration.faststream_pgmq.support import eventually, fetch_all
from tests.integration.patterns.pattern_builders import ANNA, memory, query, save
from tests.integration.worker_processes import running

Conn = AsyncConnection[TupleRow]
SEND: LiteralString = "SELECT pgmq.send('pattern_detection', %s::jsonb, %s::jsonb)"
WAITING: LiteralString = "SELECT message FROM pgmq.q_pattern_detection"
DEAD: LiteralString = """
SELECT headers->>'last_error' FROM pgmq.q_pattern_detection_dlq
ORDER BY (message->>'limit')::int
"""
HOPELESS: list[tuple[dict[str, Any], str]] = [
    ({"limit": 0}, "limit"),
    (
        {"limit": 1, "pattern_types": ["debugging", "magic"]},
        "pattern_types: no detector 'magic'; known: debugging, learning, memory_code, "
        "problem_solving, refactoring, semantic, temporal",
    ),
    ({"limit": 2, "since": "2026-01-05T00:00:00"}, "since"),
    ({"limit": 3, "since": "2026-01-05T00:00Z", "until": "2026-01-01T00:00Z"}, "until"),
]
ROUNDS = 30
DONE_OF: LiteralString = """
SELECT message->>'workspace_id' FROM pgmq.a_pattern_detection ORDER BY archived_at, msg_id
"""
UNSEEN = """
MATCH (w:Workspace {workspace_id: $workspace})
MATCH (d:DetectionMark {workspace_id: $workspace}) WHERE d.change >= w.changes
RETURN count(d) AS up_to_date
"""


async def send(conn: Conn, workspace: str, job_id: UUID | None = None, **options: Any) -> None:
    headers = {"group": workspace} | ({JOB_ID_HEADER: str(job_id)} if job_id else {})
    await conn.execute(
        SEND, (json.dumps({"workspace_id": workspace, **options}), json.dumps(headers))
    )


async def start_job(conn: Conn, workspace: str, **options: Any) -> UUID:
    job_id = uuid4()
    await create_job(
        conn, job_id=job_id, workspace_id=workspace, user_id=ANNA, kind="patterns", submitted=1
    )
    await send(conn, workspace, job_id, **options)
    return job_id


async def state(conn: Conn, workspace: str, job_id: UUID) -> str:
    job = await find_job(conn, workspace, job_id)
    assert job is not None
    return job_state(job, (await count_messages(conn, [job_id]))[job_id])


async def test_a_job_is_done_only_when_nothing_is_left_to_look_at(
    conn: Conn, database: str, graph_server: Servers, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *(memory(workspace, f"m{n}") for n in range(11)))
    job_id = await start_job(conn, workspace, limit=2)
    seen: list[str] = []

    async def is_done() -> bool:
        seen.append(await state(conn, workspace, job_id))
        return seen[-1] == "done"

    with running("patterns", database, graph_server):
        await eventually(is_done, 60)
        found = await query(neo4j_driver, UNSEEN, workspace=workspace)
    assert found == [{"up_to_date": len(DETECTORS)}]
    assert (await count_messages(conn, [job_id]))[job_id].done == 6
    assert set(seen) <= {"waiting", "running", "done"}


async def test_a_job_that_is_cancelled_between_two_rounds_ends(
    conn: Conn, database: str, graph_server: Servers, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *(memory(workspace, f"m{n}") for n in range(ROUNDS)))
    job_id = await start_job(conn, workspace, limit=1)

    async def counted() -> Progress:
        return (await count_messages(conn, [job_id]))[job_id]

    async def is_at_work() -> bool:
        found = await counted()
        return found.done > 1 and found.running == 1

    async def is_over() -> bool:
        return not (await counted()).unfinished

    with running("patterns", database, graph_server):
        await eventually(is_at_work, 60)
        async with conn.transaction():
            await show_workspaces(conn, [workspace])
            assert await cancel_job(conn, job_id)
        await eventually(is_over, 60)
    found = await counted()
    assert (found.cancelled, await state(conn, workspace, job_id)) == (1, "cancelled")
    assert found.done < ROUNDS


async def test_a_persons_job_does_not_rest(
    conn: Conn, database: str, graph_server: Servers, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *(memory(workspace, f"m{n}") for n in range(11)))
    job_id = await start_job(conn, workspace, limit=2)

    async def is_done() -> bool:
        return await state(conn, workspace, job_id) == "done"

    # At this share a single request would rest for minutes.
    with running("patterns", database, graph_server, detection_share="0.0001"):
        await eventually(is_done, 60)


async def test_what_is_left_of_a_large_workspace_waits_behind_a_small_one(
    conn: Conn, database: str, graph_server: Servers, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    small = f"team:{uuid4()}"
    await save(neo4j_driver, *(memory(workspace, f"m{n}") for n in range(12)))
    await save(neo4j_driver, memory(small, "only"))
    await start_job(conn, workspace, limit=1)
    await send(conn, small)

    async def are_done() -> bool:
        return len(await fetch_all(conn, DONE_OF)) == 13

    with running("patterns", database, graph_server):
        await eventually(are_done, 60)
    await neo4j_driver.execute_query(DELETE_WORKSPACE, workspace_id=small)
    assert (await fetch_all(conn, DONE_OF)).index(small) <= 3


async def test_what_nobody_waits_for_merges_into_a_request_that_waits_already(
    conn: Conn, database: str, graph_server: Servers, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *(memory(workspace, f"m{n}") for n in range(6)))
    for _ in range(5):
        await send(conn, workspace, limit=1)

    async def are_done() -> bool:
        return not await fetch_all(conn, WAITING)

    with running("patterns", database, graph_server):
        await eventually(are_done, 60)
    # Five requests and five follow-ups, were each to have its own; without merging up to ten more.
    assert len(await fetch_all(conn, DONE_OF)) <= 11
    found = await query(neo4j_driver, UNSEEN, workspace=workspace)
    assert found == [{"up_to_date": len(DETECTORS)}]


async def test_requests_that_no_retry_can_help_are_dead_lettered_and_say_why(
    conn: Conn, database: str, graph_server: Servers, workspace: str
) -> None:
    for options, _ in HOPELESS:
        await send(conn, workspace, **options)

    async def are_dead() -> bool:
        return len(await fetch_all(conn, DEAD)) == len(HOPELESS)

    with running("patterns", database, graph_server):
        await eventually(are_dead, 60)
    for error, (_, reason) in zip(await fetch_all(conn, DEAD), HOPELESS, strict=True):
        assert reason in error


async def test_fifty_batches_of_memories_leave_one_detection_request(
    conn: Conn, database: str, graph_server: Servers, workspace: str
) -> None:
    for n in range(50):
        await conn.execute(
            "SELECT queue_memory_ingestion_job(gen_random_uuid(), %s, %s, %s)",
            (ANNA, f"Fixed error {n}", workspace),
        )

    async def are_written() -> bool:
        [count] = await fetch_all(conn, "SELECT count(*)::int FROM pgmq.a_memory_ingestion")
        return count == 50

    with running("ingest", database, graph_server, batch_size="1"):
        await eventually(are_written, 60)
    assert len(await fetch_all(conn, WAITING)) == 1
