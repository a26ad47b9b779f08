"""Commands that read what the workspace of the environment holds in Postgres."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.postgres.job_search import JobFilter, search_jobs
from tests.integration.cli.conftest import Prompt

SESSIONS = 70
STORE = """
INSERT INTO memories (workspace_id, user_id, chunk_id, session_id, content, content_hash,
                      occurred_at, project_name)
SELECT %(workspace)s, gen_random_uuid(), 'c' || n, 's' || n,
       'memory ' || n || ' of ' || n * n, '', now(), 'shop'
FROM generate_series(1, %(count)s) AS n
"""


@pytest.fixture
def shell(servers_environment: dict[str, str], workspace: str) -> Prompt:
    return Prompt(servers_environment | {"SUPASTATE_WORKSPACE_ID": workspace})


async def test_an_embedder_is_calibrated_on_the_memories_of_the_workspace_alone(
    shell: Prompt, conn: AsyncConnection[TupleRow], workspace: str
) -> None:
    await conn.execute(STORE, {"workspace": workspace, "count": SESSIONS})
    await conn.execute(STORE, {"workspace": f"team:{uuid4()}", "count": SESSIONS + 1})
    shown = await shell.run("calibrate", "--json")
    found = json.loads(shown.stdout)

    assert (found["samples"], found["pairs"]) == (SESSIONS, SESSIONS * (SESSIONS - 1) // 2)
    assert [reference for reference, _ in found["points"]] == [0.65, 0.7, 0.8]
    assert found["setting"].startswith("0.65=")


async def test_too_few_memories_to_calibrate_on_are_explained(shell: Prompt) -> None:
    shown = await shell.run("calibrate")

    assert shown.exit_code == 1
    assert "give more sessions" in shown.stderr


async def test_without_a_workspace_calibration_says_what_to_name(
    servers_environment: dict[str, str],
) -> None:
    shown = await Prompt(servers_environment).run("calibrate")

    assert shown.exit_code == 2
    assert "SUPASTATE_WORKSPACE_ID" in shown.stderr


async def test_a_rebuild_counts_first_then_queues_in_a_job_that_it_names(
    shell: Prompt, conn: AsyncConnection[TupleRow], neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await conn.execute(STORE, {"workspace": workspace, "count": 3})
    (counted,) = json.loads((await shell.run("rebuild", "--dry-run", "--json")).stdout)
    shown = await shell.run("rebuild", "--every-workspace")
    (job,) = (await search_jobs(conn, workspace, JobFilter(), limit=10)).jobs

    assert (counted["outdated"], counted["queued"]) == (3, 0)
    assert f"{workspace}: 3 of 3 missing or out of date, 3 queued" in shown.stdout
    assert f"supastate jobs {job.id}" in shown.stdout
    assert (job.kind, job.submitted) == ("rebuild", 3)
