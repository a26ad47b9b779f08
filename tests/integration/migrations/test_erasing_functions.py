"""A deletion's steps take so many at a time, and all that is left when they are repeated."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.messages import RemoveEntities
from shared.postgres.deletions import (
    MessageTable,
    erase_messages,
    erase_rows,
    erase_traces,
    find_deletion,
    finish_deletion,
    forget_marks,
    hide_names,
    list_message_tables,
    note_erased,
)

Conn = AsyncConnection[TupleRow]
OURS, THEIRS = (f"team:{uuid4()}" for _ in range(2))
USER = uuid4()
START = """
INSERT INTO deletions (id, workspace_id, scope, key_id, key_name, requested_by)
VALUES (gen_random_uuid(), %s, 'workspace', gen_random_uuid(), 'k', %s) RETURNING id
"""
OF_USER = """
INSERT INTO deletions (id, workspace_id, scope, person, key_id, key_name, requested_by)
VALUES (gen_random_uuid(), %s, 'user', %s, gen_random_uuid(), 'k', %s) RETURNING id
"""
FILL = """
SELECT queue_memory_ingestion_job(gen_random_uuid(), %(user)s, 'text', %(workspace)s)
FROM generate_series(1, 7) AS n
"""
SPANS = """
SELECT save_spans(jsonb_agg(jsonb_build_object(
    'trace_id', md5(%(workspace)s || n), 'span_id', s, 'service', 'api', 'name', 'x',
    'kind', 'server', 'status', 'ok', 'started_at', now(), 'duration_ms', 1,
    'attributes', '{}'::jsonb, 'links', '[]'::jsonb, 'workspace_id', %(workspace)s)))
FROM generate_series(1, 6) AS n, generate_series(1, 2) AS s
"""
MOVE = """
WITH gone AS (DELETE FROM pgmq.q_memory_ingestion{0} RETURNING message, headers)
SELECT pgmq.send('memory_ingestion{1}', message, headers) FROM gone
"""


@pytest.fixture
async def deletion(conn: Conn) -> UUID:
    """A deletion of our workspace; another workspace holds the same."""
    for workspace in (OURS, THEIRS):
        await conn.execute(FILL, {"workspace": workspace, "user": USER})
        await conn.execute(SPANS, {"workspace": workspace})
    row = await (await conn.execute(START, (OURS, USER))).fetchone()
    assert row is not None
    return row[0]


async def count(conn: Conn, table: str) -> int:
    row = await (await conn.execute(f"SELECT count(*) FROM {table}".encode())).fetchone()
    assert row is not None
    return int(row[0])


async def test_rows_go_a_few_at_a_time(conn: Conn, deletion: UUID) -> None:
    taken = [(await erase_rows(conn, deletion, limit=3))["memories"] for _ in range(4)]
    assert taken == [3, 3, 1, 0]
    assert await count(conn, "memories") == 7


async def test_messages_go_a_few_at_a_time(conn: Conn, deletion: UUID) -> None:
    queue: MessageTable = ("memory_ingestion", "q")
    looked_to, taken = 0, list[int]()
    while looked_to is not None:
        looked_to, erased, _ = await erase_messages(conn, deletion, queue, after=looked_to, limit=3)
        taken.append(erased)
    assert (sum(taken), max(taken)) == (7, 3)
    assert await count(conn, "pgmq.q_memory_ingestion") == 7


@pytest.mark.parametrize(("first", "then"), [("", "_dlq"), ("_dlq", "")])
async def test_a_message_that_changes_queues_meanwhile_is_found(
    conn: Conn, deletion: UUID, first: str, then: str
) -> None:
    """A dead letter is sent again behind the look at its queue, or a message dies."""
    await conn.execute(MOVE.format("", first).encode())
    for table in await list_message_tables(conn):
        await erase_messages(conn, deletion, table, after=0, limit=100)
        if table == (f"memory_ingestion{then}", "q"):
            await conn.execute(MOVE.format(first, then).encode())
    left = [await count(conn, f"pgmq.q_memory_ingestion{end}") for end in (first, then)]
    assert left == [0, 7]


async def test_what_somebody_works_on_is_spared_and_told_of(conn: Conn, deletion: UUID) -> None:
    queue: MessageTable = ("memory_ingestion", "q")
    await conn.execute("SELECT pgmq.read('memory_ingestion', 60, 3)")
    _, erased, spared = await erase_messages(conn, deletion, queue, after=0, limit=100)
    assert (erased, spared) == (4, 3)


async def test_a_removal_goes_on_for_what_the_deletion_does_not_erase_itself(conn: Conn) -> None:
    row = await (await conn.execute(OF_USER, (OURS, USER, USER))).fetchone()
    assert row is not None
    own, other = uuid4(), uuid4()
    await conn.execute("INSERT INTO deletion_marks VALUES (%s, 'memories', %s)", (row[0], own))
    removal = RemoveEntities(workspace_id=OURS, memory_ids=[own, other])
    await conn.execute(
        "SELECT pgmq.send('memory_ingestion', %s::jsonb)", (removal.model_dump_json(),)
    )
    for _ in range(2):  # what is asked for anew is not taken up again
        await erase_messages(conn, row[0], ("memory_ingestion", "q"), after=0, limit=100)
    rows = await (await conn.execute("SELECT message FROM pgmq.q_memory_ingestion")).fetchall()
    assert [RemoveEntities.model_validate(body).memory_ids for (body,) in rows] == [[other]]


async def test_traces_go_a_few_at_a_time(conn: Conn, deletion: UUID) -> None:
    looked_to, taken = "", list[int]()
    while looked_to is not None:
        looked_to, erased = await erase_traces(conn, deletion, after=looked_to, limit=4)
        taken.append(erased)
    assert sum(taken) == 12
    assert max(taken) <= 6  # a trace goes as a whole
    assert await count(conn, "spans") == 12
    assert await count(conn, "traces") == 6


async def test_what_is_noted_adds_up(conn: Conn, deletion: UUID) -> None:
    for erased in ({"memories": 3}, {}, {"memories": 4, "nodes": 2}, {"nodes": 0}):
        await note_erased(conn, deletion, erased)
    found = await find_deletion(conn, deletion)
    assert found is not None
    assert found.erased == {"memories": 7, "nodes": 2}


async def test_an_end_that_was_broken_off_is_ended(conn: Conn, deletion: UUID) -> None:
    while await erase_rows(conn, deletion, limit=100):
        pass
    await hide_names(conn, deletion)
    assert await forget_marks(conn, deletion, limit=3) == 3
    assert await count(conn, "removed_entities") == 4
    await finish_deletion(conn, deletion)
    assert await count(conn, "removed_entities") + await count(conn, "deletion_marks") == 0
    found = await find_deletion(conn, deletion)
    assert found is not None
    assert found.finished_at
