"""A project's summary is written from its newest memories, and not too often."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from services.summaries.handlers import (
    Forgotten,
    Pool,
    TooYoung,
    UpToDate,
    Written,
    summarize_project,
)
from shared.domain.summarising import Episode
from shared.errors import DependencyDownError
from shared.llm import ExtractiveSummariser
from shared.messages import SummarizeProject
from shared.postgres.migrate import read_migrations
from shared.postgres.project_summaries import list_summaries
from shared.postgres.removal import remove_memories

WORKSPACE = f"team:{uuid4()}"
OLD = datetime(2019, 3, 4, tzinfo=UTC)
INSERT = """
INSERT INTO memories (
    workspace_id, user_id, chunk_id, project_name, content, content_hash, occurred_at)
VALUES (%s, gen_random_uuid(), %s, %s, %s, '', %s)
"""
A_HUNDRED = """
INSERT INTO memories (
    workspace_id, user_id, chunk_id, project_name, content, content_hash, occurred_at)
SELECT %s, gen_random_uuid(), n::text, 'shop', 'The part works.', '', %s + n * interval '1 hour'
FROM generate_series(1, 100) AS n
"""
CHANGE = """
UPDATE memories SET content = 'The retry of payments was removed.', updated_at = clock_timestamp()
"""
TAKE_REQUESTS = "DELETE FROM pgmq.q_summary_generation RETURNING message"
Connection = AsyncConnection[TupleRow]


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    """A worker's pool on this test's own database."""
    dsn = make_conninfo(database, options="-c role=supastate_worker")
    async with AsyncConnectionPool[Connection](dsn, min_size=1, max_size=2, open=False) as own:
        yield own


async def remember(
    conn: Connection,
    content: str,
    *,
    project: str = "shop",
    workspace: str = WORKSPACE,
    at: datetime = OLD,
    chunk: str | None = None,
) -> None:
    await conn.execute(INSERT, (workspace, chunk or str(uuid4()), project, content, at))


async def summarize(
    pool: Pool, *, debounce_seconds: float = 0.0, workspace: str = WORKSPACE
) -> Written | TooYoung | UpToDate | Forgotten:
    return await summarize_project(
        SummarizeProject(workspace_id=workspace, project_name="shop"),
        pool=pool,
        summariser=ExtractiveSummariser(),
        debounce_seconds=debounce_seconds,
    )


async def test_a_summary_is_written_and_listed(conn: Connection, pool: Pool) -> None:
    await remember(conn, "The retry of payments works.")
    outcome = await summarize(pool)
    assert isinstance(outcome, Written)

    (stored,) = await list_summaries(conn, WORKSPACE)
    assert stored.summary == outcome.summary
    assert "The retry of payments works" in stored.summary
    assert (stored.project_name, stored.model) == ("shop", "extractive")
    assert (stored.memories_included, stored.last_memory_timestamp) == (1, OLD)


async def requests(conn: Connection) -> list[SummarizeProject]:
    """Take what is asked for."""
    taken = await (await conn.execute(TAKE_REQUESTS)).fetchall()
    return [SummarizeProject.model_validate(message) for (message,) in taken]


async def test_a_postgres_that_does_not_answer_is_down_and_costs_no_attempt() -> None:
    nowhere = "host=127.0.0.1 port=1 dbname=none"
    own = AsyncConnectionPool[Connection](nowhere, min_size=0, max_size=1, timeout=0.2, open=False)
    async with own as pool:
        with pytest.raises(DependencyDownError, match="Postgres"):
            await summarize(pool)


async def test_a_postgres_that_goes_while_the_model_writes_is_down(
    conn: Connection, pool: Pool
) -> None:
    await remember(conn, "The retry of payments works.")

    class Slow(ExtractiveSummariser):
        """Writes after the connections are gone."""

        async def summarise(self, project_name: str, episodes: Sequence[Episode]) -> str:
            await pool.close()
            return await super().summarise(project_name, episodes)

    job = SummarizeProject(workspace_id=WORKSPACE, project_name="shop")
    with pytest.raises(DependencyDownError, match="Postgres"):
        await summarize_project(job, pool=pool, summariser=Slow(), debounce_seconds=0)


async def test_without_memories_there_is_no_summary(conn: Connection, pool: Pool) -> None:
    assert isinstance(await summarize(pool), UpToDate)
    assert await list_summaries(conn, WORKSPACE) == []


async def test_without_new_memories_the_summary_stays(conn: Connection, pool: Pool) -> None:
    await remember(conn, "The retry of payments works.")
    await summarize(pool)
    before = await list_summaries(conn, WORKSPACE)
    assert isinstance(await summarize(pool), UpToDate)
    assert await list_summaries(conn, WORKSPACE) == before


async def test_new_memories_of_a_young_summary_wait_for_the_rest_of_the_time(
    conn: Connection, pool: Pool
) -> None:
    await remember(conn, "The retry of payments works.")
    await summarize(pool)
    await remember(conn, "The cart was moved into a module.")
    outcome = await summarize(pool, debounce_seconds=900)
    assert isinstance(outcome, TooYoung)
    assert 0 < outcome.delay_seconds <= 900


async def test_new_memories_replace_a_summary_that_is_old_enough(
    conn: Connection, pool: Pool
) -> None:
    await remember(conn, "The retry of payments works.")
    await summarize(pool)
    await remember(conn, "The cart was moved into a module.", at=OLD - timedelta(days=1))
    assert isinstance(await summarize(pool), Written)
    (stored,) = await list_summaries(conn, WORKSPACE)
    assert stored.memories_included == 2
    assert stored.updated_at > stored.created_at


async def test_a_changed_memory_makes_the_summary_old(conn: Connection, pool: Pool) -> None:
    await remember(conn, "The retry of payments works.")
    await summarize(pool)
    await conn.execute(
        "UPDATE memories SET content = 'The retry of payments was removed.', updated_at = now()"
    )
    outcome = await summarize(pool)
    assert isinstance(outcome, Written)
    assert "was removed" in outcome.summary


async def test_a_change_that_was_on_its_way_makes_the_summary_old(
    conn: Connection, pool: Pool
) -> None:
    await remember(conn, "The retry of payments works.")
    async with conn.transaction():
        await conn.execute(CHANGE)
        assert isinstance(await summarize(pool), Written)
    outcome = await summarize(pool)
    assert isinstance(outcome, Written)
    assert "was removed" in outcome.summary


async def test_a_memory_that_was_on_its_way_among_a_hundred_makes_the_summary_old(
    conn: Connection, pool: Pool
) -> None:
    await conn.execute(A_HUNDRED, (WORKSPACE, OLD))
    async with conn.transaction():
        await remember(conn, "The cart was moved.", at=OLD + timedelta(hours=99, minutes=30))
        assert isinstance(await summarize(pool), Written)
    assert isinstance(await summarize(pool), Written)
    assert isinstance(await summarize(pool), UpToDate)


async def test_a_summary_that_does_not_say_what_it_was_written_from_is_old(
    conn: Connection, pool: Pool
) -> None:
    await remember(conn, "The retry of payments works.")
    await summarize(pool)
    await conn.execute("UPDATE project_summaries SET sources_digest = NULL")
    assert isinstance(await summarize(pool), Written)
    assert isinstance(await summarize(pool), UpToDate)


async def test_who_wrote_from_less_does_not_overwrite_whoever_was_quicker(
    conn: Connection, pool: Pool
) -> None:
    await remember(conn, "The retry of payments works.")
    await summarize(pool)
    await remember(conn, "The cart was moved into a module.")

    class Slow(ExtractiveSummariser):
        """Writes while another run reads more, though it looked at the clock earlier."""

        async def summarise(self, project_name: str, episodes: Sequence[Episode]) -> str:
            await remember(conn, "The queue was moved into a module.")
            await summarize(pool)
            await conn.execute(
                "UPDATE project_summaries SET updated_at = updated_at - '1h'::interval"
            )
            return await super().summarise(project_name, episodes)

    job = SummarizeProject(workspace_id=WORKSPACE, project_name="shop")
    outcome = await summarize_project(job, pool=pool, summariser=Slow(), debounce_seconds=0)
    assert isinstance(outcome, TooYoung)
    assert isinstance(await summarize(pool), UpToDate)


async def test_a_memory_that_goes_while_a_summary_of_it_is_stored_is_asked_about_again(
    conn: Connection, pool: Pool
) -> None:
    await remember(conn, "The secret of payments works.", chunk="a")
    await remember(conn, "The parser works.")
    async with conn.transaction():
        await remove_memories(conn, WORKSPACE, ["a"])
        told = await summarize(pool)
        assert isinstance(told, Written)
        assert "secret" in told.summary

    (request,) = await requests(conn)
    assert (request.workspace_id, request.project_name) == (WORKSPACE, "shop")
    outcome = await summarize(pool)
    assert isinstance(outcome, Written)
    assert "secret" not in outcome.summary


async def test_a_project_of_which_nothing_is_left_loses_its_summary(
    conn: Connection, pool: Pool
) -> None:
    await remember(conn, "The retry of payments works.", chunk="a")
    await summarize(pool)
    await remove_memories(conn, WORKSPACE, ["a"])
    assert len(await requests(conn)) == 1
    assert isinstance(await summarize(pool, debounce_seconds=900), Forgotten)
    assert await list_summaries(conn, WORKSPACE) == []
    assert isinstance(await summarize(pool), UpToDate)


async def test_the_migration_asks_about_what_was_removed_before_and_is_still_told(
    conn: Connection, pool: Pool
) -> None:
    for workspace in (WORKSPACE, f"team:{uuid4()}"):
        await remember(conn, "The retry of payments works.", workspace=workspace)
        await summarize(pool, workspace=workspace)
    await conn.execute("DELETE FROM memories WHERE workspace_id = %s", (WORKSPACE,))
    (migration,) = [one for one in read_migrations() if one.name.endswith("_summary_sources")]
    await conn.execute(migration.sql.encode())
    (request,) = await requests(conn)
    assert (request.workspace_id, request.project_name) == (WORKSPACE, "shop")


async def test_at_most_a_hundred_memories_of_the_last_seven_days_are_read(
    conn: Connection, pool: Pool
) -> None:
    for hour in range(120):
        await remember(conn, f"The part {hour} of the shop works.", at=OLD + timedelta(hours=hour))
    await remember(conn, "The ancient part of the shop works.", at=OLD - timedelta(days=8))
    outcome = await summarize(pool)
    assert isinstance(outcome, Written)
    assert outcome.memories_included == 100
    assert "part 119" in outcome.summary


async def test_other_projects_and_workspaces_are_not_read(conn: Connection, pool: Pool) -> None:
    stranger = f"team:{uuid4()}"
    await remember(conn, "The retry of payments works.")
    await remember(conn, "The bank works.", project="bank")
    await remember(conn, "The other shop works.", workspace=stranger)
    outcome = await summarize(pool)
    assert isinstance(outcome, Written)
    assert outcome.memories_included == 1
    assert await list_summaries(conn, stranger) == []
    assert await list_summaries(conn, WORKSPACE, "bank") == []


async def test_a_memory_dated_in_the_future_is_left_out(conn: Connection, pool: Pool) -> None:
    await remember(conn, "The retry of payments works.")
    await remember(conn, "The far future works.", at=datetime.now(UTC) + timedelta(days=400))
    outcome = await summarize(pool)
    assert isinstance(outcome, Written)
    assert outcome.memories_included == 1


async def test_a_secret_that_sql_stored_reaches_no_model(conn: Connection, pool: Pool) -> None:
    class Listening:
        model = "listening"

        async def summarise(self, project_name: str, episodes: Sequence[Episode]) -> str:
            return " ".join(episode.content for episode in episodes)

    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    await remember(conn, f"Why is {secret} refused?")
    written = await summarize_project(
        SummarizeProject(workspace_id=WORKSPACE, project_name="shop"),
        pool=pool,
        summariser=Listening(),
        debounce_seconds=0.0,
    )

    assert isinstance(written, Written)
    assert written.summary.startswith("Why is [redacted:")
    assert secret not in written.summary
