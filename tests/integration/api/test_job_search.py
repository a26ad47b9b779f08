"""Finding jobs: filters, arguments, pages; and what a page costs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.messages import QUEUES
from shared.postgres import job_messages, job_search
from shared.postgres.job_search import JobFilter, Term, searching
from tests.integration.api.conftest import Client

Conn = AsyncConnection[TupleRow]
FILL: LiteralString = """
WITH job AS (
    INSERT INTO jobs (id, workspace_id, user_id, kind, submitted, created_at)
    SELECT gen_random_uuid(), %(workspace_id)s, gen_random_uuid(),
           CASE WHEN n %% 2 = 0 THEN 'memory' ELSE 'patterns' END, 1, '2026-01-01'
    FROM generate_series(1, %(number)s) AS n
    RETURNING id, kind
)
INSERT INTO pgmq.a_memory_ingestion (msg_id, vt, message, headers)
SELECT row_number() OVER (), now(),
       jsonb_build_object('limit', row_number() OVER (ORDER BY id), 'kind', kind),
       jsonb_build_object('job_id', id, 'group', %(workspace_id)s)
FROM job
"""


async def fill(conn: Conn, workspace_id: str, number: int) -> None:
    await conn.execute(FILL, {"workspace_id": workspace_id, "number": number})


async def pages(client: Client, **params: Any) -> list[dict[str, Any]]:
    """Return all pages of a search."""
    seen: list[dict[str, Any]] = []
    before: str | None = None
    while not seen or before:
        place = {"before": before} if before else {}
        answer = await client.get("/api/jobs", **params, **place)
        assert answer.status_code == 200, answer.text
        seen.append(answer.json())
        before = seen[-1]["next"]
    return seen


def ids(answers: Sequence[dict[str, Any]]) -> list[str]:
    return [job["id"] for answer in answers for job in answer["jobs"]]


async def test_jobs_of_one_moment_are_paged_without_loss_or_repeat_under_any_filter(
    client: Client, conn: Conn
) -> None:
    await fill(conn, client.workspace_id, 31)
    everything = ids(await pages(client, limit=4))
    assert len(set(everything)) == len(everything) == 31
    assert everything == sorted(everything, key=UUID, reverse=True)
    for params, number in (
        ({"queue": "memory_ingestion"}, 15),
        ({"kind": "patterns"}, 16),
        ({"state": "done"}, 31),
        ({"state": "dead"}, 0),
        ({"search": "args.kind:patterns"}, 16),
        ({"since": "2026-01-01T00:00:01Z"}, 0),
        ({"until": "2026-01-01T00:00:01Z"}, 31),
        ({"user": str(uuid4())}, 0),
    ):
        found = ids(await pages(client, limit=4, **params))
        assert len(set(found)) == len(found) == number, params


async def test_a_number_is_found_by_its_digits(client: Client, conn: Conn) -> None:
    await fill(conn, client.workspace_id, 12)

    for text in (
        "args.limit:7",
        "limit:7.0",
        "args.limit:7 args.kind:patterns",
        "limit:7 kind:memory",
    ):
        page = (await client.get("/api/jobs", search=text)).json()
        assert page["searched"] == {
            "jobs": 12, "backTo": "2026-01-01T00:00:00Z", "isComplete": True
        }  # fmt: skip
    assert len(ids([(await client.get("/api/jobs", search="args.limit:7")).json()])) == 1
    assert ids([(await client.get("/api/jobs", search="args.limit:77")).json()]) == []


async def test_a_search_says_how_far_it_looked_and_goes_on_from_there(
    client: Client, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_search, "MOST_JOBS_BY_MESSAGE", 5)
    await fill(conn, client.workspace_id, 12)

    found = await pages(client, search="args.limit:1")

    assert [page["searched"]["jobs"] for page in found] == [5, 5, 2]
    assert [page["searched"]["isComplete"] for page in found] == [False, False, True]
    assert len(ids(found)) == 1


async def test_a_project_is_found_by_the_memories_that_a_job_stored(client: Client) -> None:
    chunk = {"chunkId": "c", "content": "x"}
    job_id = (await client.send_chunks(chunk, projectName="engine")).json()["jobId"]

    assert ids([(await client.get("/api/jobs", project="engine")).json()]) == [job_id]
    assert ids([(await client.get("/api/jobs", project="other")).json()]) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("state", "odd"), ("queue", "odd"), ("search", "odd"), ("since", "2026-01-01"), ("user", "x")],
)
async def test_a_filter_that_is_none_is_refused(client: Client, field: str, value: str) -> None:
    answer = await client.get("/api/jobs", **{field: value})

    assert (answer.status_code, answer.json()["details"][0]["field"]) == (400, field)


async def test_no_search_reads_a_whole_table(conn: Conn) -> None:
    await fill_tables(conn)
    for wanted in (
        JobFilter(kinds=["memory"]),
        JobFilter(state="dead"),
        JobFilter(state="done"),
        JobFilter(state="cancelled"),
        JobFilter(terms=[Term("limit", "7")], state="cancelled", project="engine"),
    ):
        plan = await explain(conn, wanted)
        assert "jobs_newest_first" in plan
        assert re.findall(r"Seq Scan on \w+", plan) == []
        assert (wanted.state == "cancelled") == ("a_memory_ingestion_cancelled" in plan)


async def fill_tables(conn: Conn) -> None:
    await fill(conn, "team:x", 4000)
    for queue in QUEUES:
        for table in (f"q_{queue}", f"a_{queue}", f"q_{queue}_dlq"):
            number = "msg_id, " if table.startswith("a_") else ""
            await conn.execute(
                f"""INSERT INTO pgmq.{table} ({number}vt, message, headers)
                    SELECT {"10000 + n, " if number else ""}now(), '{{}}',
                           jsonb_build_object('job_id', gen_random_uuid())
                    FROM generate_series(1, 2000) AS n""".encode()
            )
    await conn.execute(
        """INSERT INTO memories (workspace_id, user_id, chunk_id, content, content_hash,
                                 occurred_at)
           SELECT 'team:' || gen_random_uuid(), gen_random_uuid(), n, 'x', '', now()
           FROM generate_series(1, 2000) AS n"""
    )
    await conn.execute(
        """INSERT INTO code_entities (workspace_id, user_id, project_name, path, name, content,
                                      content_hash)
           SELECT 'team:' || gen_random_uuid(), gen_random_uuid(), 'p', n, 'x', 'x', ''
           FROM generate_series(1, 2000) AS n"""
    )
    await conn.execute("ANALYZE")


async def explain(conn: Conn, wanted: JobFilter) -> str:
    statement, parameters = searching("team:x", wanted, limit=20)
    plan = await conn.execute("EXPLAIN " + statement, parameters)
    return str(await plan.fetchall())


async def test_a_jobs_messages_are_read_by_its_id(conn: Conn) -> None:
    await fill_tables(conn)
    values = {"job_id": str(uuid4()), "groups": ["team:x"], "limit": 100, "bytes": 1000}
    plan = str(
        await (await conn.execute("EXPLAIN " + job_messages.LIST_MESSAGES, values)).fetchall()
    )
    # What handlers say is a row for each message in hand: it is looked up anyhow.
    plan = plan.replace("Seq Scan on progress", "")
    assert "Seq Scan" not in plan
