"""What is deleted is nowhere: every table and every node is searched for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final, LiteralString
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg import connect as connect_to
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

from services.patterns.deleting import delete_data
from shared.domain.calibration import Calibration
from shared.graph.driver import GraphError, connect
from shared.messages import DeleteData
from shared.postgres.api_keys import SCOPES, create_key
from tests.conftest import Servers
from tests.integration.api.conftest import Client
from tests.integration.api.erasing_world import MARK, Conn, World, fill, leave_traces
from tests.integration.faststream_pgmq.support import eventually
from tests.integration.patterns.pattern_builders import EMBEDDER, query
from tests.integration.worker_processes import running

PATTERNS = """
MATCH (p:Pattern {workspace_id: $w})-[:DERIVED_FROM]->(m)
RETURN p.type AS type, count(m) AS n ORDER BY type, n
"""
MEMORIES = "MATCH (m:Memory {workspace_id: $w}) RETURN m.content AS content"
FILES = "MATCH (c:CodeEntity {workspace_id: $w}) RETURN c.path AS path"
FAIL = """
UPDATE pgmq.q_memory_ingestion
SET vt = now(), headers = headers || jsonb_build_object('attempts', read_ct)
WHERE last_read_at IS NOT NULL
"""
SEND_AS = """
UPDATE pgmq.q_memory_ingestion
SET message = message || jsonb_build_object('user_id', %s::text)
"""
DIE = """
WITH gone AS (DELETE FROM pgmq.q_memory_ingestion RETURNING message, headers)
SELECT pgmq.send('memory_ingestion_dlq', message, headers) FROM gone
"""
# As cancelling the job and discarding the dead letter do.
ENDS: Final[dict[str, list[LiteralString]]] = {
    "waiting": [],
    "dead": [DIE],
    "cancelled": [
        """UPDATE pgmq.q_memory_ingestion SET headers = headers || '{"cancelled": 1}'""",
        "SELECT pgmq.archive('memory_ingestion', msg_id) FROM pgmq.q_memory_ingestion",
    ],
    "discarded": [
        DIE,
        "SELECT pgmq.archive('memory_ingestion_dlq', msg_id) FROM pgmq.q_memory_ingestion_dlq",
    ],
}


@pytest.fixture
async def world(
    database: str, conn: Conn, neo4j_driver: AsyncDriver, workspace: str
) -> AsyncIterator[World]:
    dsn = make_conninfo(database, options="-c role=supastate_worker")
    async with AsyncConnectionPool[AsyncConnection[tuple[object, ...]]](
        dsn, min_size=1, max_size=4, open=False
    ) as pool:
        yield World(conn, pool, neo4j_driver, workspace)


@pytest.fixture
async def user(app: FastAPI, world: World) -> AsyncIterator[Client]:
    """Somebody whose data is deleted, here or there."""
    async for client in clients(app, world):
        yield client


@pytest.fixture
async def admin(app: FastAPI, world: World) -> AsyncIterator[Client]:
    """Somebody else in the workspace, who may delete."""
    async for client in clients(app, world):
        yield client


async def clients(app: FastAPI, world: World) -> AsyncIterator[Client]:
    user_id = uuid4()
    key = await create_key(
        world.conn, workspace_id=world.workspace, user_id=user_id, name="test", scopes=SCOPES
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://api.test",
        headers={"Authorization": f"Bearer {key}"},
    ) as http:
        yield Client(http, key, world.workspace, user_id)


async def delete(admin: Client, **body: object) -> httpx.Response:
    return await admin.http.request("DELETE", "/api/data", json=body)


async def start(admin: Client, confirm: str, **body: object) -> str:
    answer = await delete(admin, confirm=confirm, **body)
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


async def dismiss_something(client: Client) -> None:
    (found, *_) = (await client.get("/api/patterns")).json()["patterns"]
    answer = await client.post(
        f"/api/patterns/{found['id']}/review", {"verdict": "dismissed", "note": f"it is {MARK}"}
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("scope", ["project", "user", "workspace"])
async def test_what_is_deleted_is_found_in_no_table_and_no_node(
    world: World, user: Client, admin: Client, scope: str
) -> None:
    kept = "shared" if scope == "user" else "kept"
    project = MARK if scope != "user" else kept
    ids = await fill(world, user.http, MARK, project=project)
    await dismiss_something(user)
    name = {"project": MARK, "user": str(user.user_id), "workspace": world.workspace}[scope]
    await leave_traces(world, MARK, user.user_id, named=name, job_id=ids[-1])
    ids += ["1" * 32, *([str(user.user_id)] if scope == "user" else [])]
    # Somebody else's, at the same times; of a user also in the same project.
    kept_ids = await fill(world, admin.http, "ordinary", project=kept)
    before = await world.search(MARK)
    assert len(before) > 10, before
    assert await world.fill_every_place() == set(), "fill these too: what is empty proves nothing"

    body = {"project": MARK} if scope == "project" else {"workspace": True}
    body = {"userId": str(user.user_id)} if scope == "user" else body
    deletion = await start(admin, name, **body)
    await world.erase(deletion)

    # Who did something stays known, and so do keys, until they are revoked.
    known = {f"public.{table}: {user.user_id}" for table in ("api_keys", "audit_log")}
    assert {*await world.search(MARK, *ids)} - known == set()
    state = (await admin.get(f"/api/data/deletions/{deletion}")).json()
    assert state["state"] == "done"
    counted = {"memories", "code_entities", "jobs", "messages", "nodes", "spans"}
    assert counted <= state["erased"].keys()
    held = await world.search(*kept_ids[:1])
    assert bool(held) == (scope != "workspace")
    if scope != "workspace":
        assert [row["n"] for row in await query(world.driver, PATTERNS, w=world.workspace)]
    else:
        nodes = await query(
            world.driver, "MATCH (n {workspace_id: $w}) RETURN n", w=world.workspace
        )
        assert nodes == []


async def test_what_is_worked_on_meanwhile_does_not_bring_anything_back(
    world: World, user: Client, admin: Client
) -> None:
    await user.send_chunks({"chunkId": "a", "content": f"Fixed {MARK}"}, projectName=MARK)
    deletion: list[DeleteData] = []

    class Meanwhile:
        """The real embedder; the deletion runs while it works."""

        name, dimensions, calibration = EMBEDDER.name, EMBEDDER.dimensions, EMBEDDER.calibration

        async def embed(self, texts: Sequence[str]) -> list[list[float]]:
            started = UUID(await start(admin, MARK, project=MARK))
            deletion.append(DeleteData(deletion_id=started, workspace_id=world.workspace))
            await world.conn.execute("SELECT pgmq.purge_queue('pattern_detection')")
            assert [await world.delete_once(deletion[0]) for _ in range(3)] == [1.0] * 3
            return await EMBEDDER.embed(texts)

    await world.work(Meanwhile())
    assert await world.erase(str(deletion[0].deletion_id)) > 1
    assert await world.search(MARK) == []


async def test_what_waits_for_its_next_attempt_does_not_bring_anything_back(
    world: World, user: Client, admin: Client, database: str
) -> None:
    await user.send_chunks({"chunkId": "a", "content": f"Fixed {MARK}"}, projectName=MARK)
    deletion = DeleteData(
        deletion_id=UUID(await start(admin, MARK, project=MARK)), workspace_id=world.workspace
    )
    deferred: list[int] = []

    class Meanwhile:
        """The real embedder; what a worker has in hand fails after the queue was looked at."""

        name, dimensions, embed = EMBEDDER.name, EMBEDDER.dimensions, EMBEDDER.embed

        @property
        def calibration(self) -> Calibration:
            with connect_to(database, autocommit=True) as conn:
                deferred.append(conn.execute(FAIL).rowcount)
            return EMBEDDER.calibration

    for _ in range(5):
        await world.take("memory_ingestion")
        pause = await delete_data(
            deletion, pool=world.pool, driver=world.driver, embedder=Meanwhile()
        )
        assert pause is not None
    assert deferred == [1] * 5
    await world.erase(str(deletion.deletion_id))
    await world.work()
    assert await world.search(MARK) == []


@pytest.mark.parametrize("place", ["waiting", "dead", "cancelled", "discarded"])
async def test_what_the_user_had_removed_of_somebody_else_leaves_the_graph_too(
    world: World, user: Client, admin: Client, place: str
) -> None:
    await admin.send_chunks({"chunkId": "theirs", "content": "Fixed it"}, projectName="kept")
    await world.work()
    answer = await user.http.delete("/api/memories/theirs")
    assert answer.status_code == 202, answer.text
    for statement in ENDS[place]:
        await world.conn.execute(statement)

    await world.erase(await start(admin, str(user.user_id), userId=str(user.user_id)))
    known = {f"public.{table}: {user.user_id}" for table in ("api_keys", "audit_log")}
    assert {*await world.search(str(user.user_id), answer.json()["jobId"])} <= known
    await world.work()
    assert await query(world.driver, MEMORIES, w=world.workspace) == []


@pytest.mark.parametrize("scope", ["project", "user"])
async def test_what_is_of_others_is_ingested_though_a_message_about_it_went(
    world: World, user: Client, admin: Client, scope: str
) -> None:
    chunk = {"chunkId": "a", "content": "text", "metadata": {"projectName": MARK}}
    await admin.send_chunks(chunk, projectName="kept")
    file = {"projectName": "kept", "files": [{"path": "a.py", "content": "def a(): ..."}]}
    assert (await admin.http.post("/api/ingest/code", json=file)).status_code == 202
    if scope == "user":  # as an old client may, for a memory that is not its own
        await world.conn.execute(SEND_AS, (str(user.user_id),))
    name = MARK if scope == "project" else str(user.user_id)
    deletion = await start(
        admin, name, **({"project": name} if scope == "project" else {"userId": name})
    )
    await world.erase(deletion)
    await world.work()
    assert await query(world.driver, MEMORIES, w=world.workspace) == [{"content": "text"}]
    assert len(await query(world.driver, FILES, w=world.workspace)) == 1


async def test_a_run_that_does_not_say_what_it_is_about_is_waited_for_too(
    world: World, admin: Client
) -> None:
    body = f'{{"workspace_id": "{world.workspace}"}}'
    await world.conn.execute("SELECT pgmq.send('pattern_detection', %s::jsonb)", (body,))
    taken = await world.take("pattern_detection")
    deletion = await start(admin, MARK, project=MARK)
    job = DeleteData(deletion_id=UUID(deletion), workspace_id=world.workspace)

    assert [await world.delete_once(job) for _ in range(3)] == [1.0, 1.0, 1.0]
    assert (await admin.get(f"/api/data/deletions/{deletion}")).json()["passes"] == 1
    await world.archive("pattern_detection", taken)
    assert await world.delete_once(job) is None


async def test_the_worker_goes_on_where_a_pass_was_broken_off(
    world: World, user: Client, admin: Client, database: str, graph_server: Servers
) -> None:
    ids = await fill(world, user.http, MARK, project=MARK)
    deletion = await start(admin, MARK, project=MARK)
    job = DeleteData(deletion_id=UUID(deletion), workspace_id=world.workspace)
    async with connect(graph_server.neo4j_uri, "neo4j", "none") as gone:
        pass
    with pytest.raises(GraphError):
        await delete_data(job, pool=world.pool, driver=gone, embedder=EMBEDDER)
    # The rows are gone, so only the marks say which nodes have to go.
    assert await world.search(ids[0]) != []
    broken_off = (await admin.get(f"/api/data/deletions/{deletion}")).json()
    assert (broken_off["passes"], broken_off["erased"]["memories"]) == (0, 7)

    async def is_done() -> bool:
        return (await admin.get(f"/api/data/deletions/{deletion}")).json()["state"] == "done"

    with running("patterns", database, graph_server, postgres_role="supastate_worker"):
        await eventually(is_done, 90)
    assert await world.search(MARK, *ids) == []
    erased = (await admin.get(f"/api/data/deletions/{deletion}")).json()["erased"]
    assert (erased["memories"], erased["code_entities"]) == (7, 1)


async def test_what_others_said_is_looked_at_again_after_a_pass_that_was_broken_off(
    world: World, user: Client, admin: Client
) -> None:
    await fill(world, user.http, MARK, project="shared")
    await fill(world, admin.http, "ordinary", project="shared")
    name = str(user.user_id)
    deletion = await start(admin, name, userId=name)

    class Broken:
        """An embedder that is gone when detection asks for it."""

        name, dimensions, embed = EMBEDDER.name, EMBEDDER.dimensions, EMBEDDER.embed

        @property
        def calibration(self) -> Calibration:
            raise ConnectionError

    job = DeleteData(deletion_id=UUID(deletion), workspace_id=world.workspace)
    with pytest.raises(ConnectionError):
        await delete_data(job, pool=world.pool, driver=world.driver, embedder=Broken())
    left = {row["type"] for row in await query(world.driver, PATTERNS, w=world.workspace)}
    await world.erase(deletion)
    found = {row["type"] for row in await query(world.driver, PATTERNS, w=world.workspace)}
    assert "debugging" in found - left


async def test_what_is_sent_for_it_meanwhile_is_refused(
    world: World, user: Client, admin: Client
) -> None:
    deletion = await start(admin, MARK, project=MARK)
    chunk = {"chunkId": "a", "content": "text"}

    refused = await user.send_chunks(chunk, projectName=MARK)
    assert (refused.status_code, refused.headers["Retry-After"]) == (409, "5")
    assert (await user.send_chunks(chunk, projectName="other")).status_code == 202
    await world.work()
    await world.erase(deletion)
    assert (await user.send_chunks(chunk, projectName=MARK)).status_code == 202


async def test_a_deletion_wants_the_name_once_more_and_the_right_to_it(
    user: Client, admin: Client, client: Client, other_client: Client
) -> None:
    wrong = await delete(admin, project="engine", confirm="engin")
    assert (wrong.status_code, wrong.json()["details"][0]["field"]) == (400, "confirm")
    assert (await delete(admin, confirm="x")).status_code == 400
    assert (await delete(admin, project="a", workspace=True, confirm="a")).status_code == 400
    assert (await delete(client, project="engine", confirm="engine")).status_code == 403


async def test_a_deletion_is_told_of_in_its_workspace_and_in_the_audit_log(
    world: World, admin: Client, user: Client, other_client: Client
) -> None:
    deletion = await start(admin, MARK, project=MARK)
    await world.erase(deletion)
    rows = await (
        await world.conn.execute(
            "SELECT action, target, filter->>'scope' FROM audit_log ORDER BY id"
        )
    ).fetchall()
    assert rows == [("data.delete", deletion, "project"), ("data.deleted", deletion, "project")]
    assert (await other_client.get(f"/api/data/deletions/{deletion}")).status_code == 403
