"""What readers ask for costs few statements, each by an index, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
from fastapi import FastAPI
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from shared.postgres import activity, audit, exporting, project_summaries, projects, usage
from shared.postgres.reviews import LIST_REVIEWS
from shared.postgres.workspaces import show_workspaces
from tests.databases import own_database
from tests.integration.api.conftest import Client
from tests.integration.api.watched_pool import watched

Conn = AsyncConnection[TupleRow]
OURS = f"team:{uuid4()}"
NOW = datetime.now(UTC)
VALUES: dict[str, Any] = {
    "workspace_id": OURS, "project_name": "p1", "project": None, "user_id": None, "key_id": None,
    "since": NOW - timedelta(days=30), "until": NOW, "limit": 20, "after": "a", "then": "",
    "cap": 10_001, "jobs": 20, "ids": [uuid4()], "excerpt": 240, "read": 4_000, "action": None,
    "before_at": None, "before_id": None,
}  # fmt: skip
STATEMENTS: dict[str, LiteralString] = {
    "projects": projects.LIST_PROJECTS,
    "project": projects.FIND_PROJECT,
    "sources of a summary": project_summaries.READ_SOURCES,
    "project exists": projects.PROJECT_EXISTS,
    "activity": activity.READ_ACTIVITY,
    "activity of a project": activity.READ_ACTIVITY_OF_PROJECT,
    "reviews": LIST_REVIEWS,
    "audit": audit.LIST_ENTRIES,
    "usage": usage.STATEMENTS["day"],
    "memories": exporting.STATEMENTS["memories"],
    "code": exporting.STATEMENTS["code"],
    "summaries": exporting.STATEMENTS["summaries"],
}
# A hundred workspaces, so that reading one is not the same as reading all.
CROWD = """
CREATE TEMP TABLE crowd AS
SELECT n, CASE n % 100 WHEN 0 THEN %s ELSE 'team:' || md5((n % 100)::text)::uuid END AS workspace,
       'p' || n % 7 AS project, gen_random_uuid() AS id, now() - n * interval '1 minute' AS at
FROM generate_series(1, 10000) AS n;
INSERT INTO memories (id, workspace_id, user_id, chunk_id, project_name, content, content_hash,
                      occurred_at)
SELECT id, workspace, id, 'c' || n, project, 'x', '', at FROM crowd;
INSERT INTO code_entities (workspace_id, user_id, project_name, path, name, content, content_hash)
SELECT workspace, id, project, n || '.py', 'n', 'x', '' FROM crowd;
INSERT INTO project_summaries (workspace_id, project_name, summary, model, memories_included,
                               last_memory_timestamp)
SELECT workspace, 'p' || n, 's', 'm', 1, at FROM crowd;
INSERT INTO jobs (id, workspace_id, user_id, kind, submitted, project_name, created_at)
SELECT id, workspace, id, 'removal', 1, project, at FROM crowd;
INSERT INTO audit_log (workspace_id, key_name, user_id, action, target, at)
SELECT workspace, 'k', id, 'a.b', 't', at FROM crowd;
INSERT INTO pattern_reviews (workspace_id, pattern_id, project_name, user_id, verdict, reviewed_by)
SELECT workspace, id, project, id, 'confirmed', 'k' FROM crowd;
ANALYZE memories, code_entities, project_summaries, jobs, audit_log, pattern_reviews
"""


@pytest.fixture(scope="module")
def crowded(postgres_dsn: str, template: str) -> Iterator[str]:
    """A database with a hundred workspaces."""
    with own_database(postgres_dsn, "crowd", template=template) as dsn:
        with psycopg.connect(dsn, autocommit=True) as conn:
            for statement in CROWD.replace("%s", f"'{OURS}'").split(";"):
                conn.execute(statement.encode())
        yield dsn


@pytest.mark.parametrize("name", STATEMENTS)
async def test_what_readers_ask_for_scans_no_table(crowded: str, name: str) -> None:
    dsn = make_conninfo(crowded, options="-c role=supastate_api")
    async with await AsyncConnection.connect(dsn) as conn:
        await show_workspaces(conn, [OURS])
        rows = await (await conn.execute("EXPLAIN " + STATEMENTS[name], VALUES)).fetchall()
    plan = "\n".join(str(row[0]) for row in rows)
    assert "Seq Scan" not in plan, plan


@pytest.mark.parametrize(
    "path",
    [
        "/api/patterns",
        "/api/patterns/rates",
        "/api/projects",
        "/api/projects/engine",
        "/api/audit",
        "/api/usage",
    ],
)
async def test_a_route_reads_with_three_statements_at_most(
    app: FastAPI, client: Client, path: str
) -> None:
    await client.send_chunks({"chunkId": "a", "content": "text"}, projectName="engine")
    async with watched(app) as statements:
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    asked = [one for one in statements if "set_config" not in one]
    assert 1 <= len(asked) <= 3, asked
