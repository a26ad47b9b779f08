"""What queues are created with: autovacuum and fillfactor, where nobody has set his own."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import AsyncConnection

from faststream_pgmq import create_queue
from tests.integration.faststream_pgmq.support import fetch_all

Session = AsyncConnection[Any]
QUEUE = {
    "fillfactor=80",
    "autovacuum_vacuum_threshold=2000",
    "autovacuum_vacuum_scale_factor=0.02",
    "autovacuum_vacuum_cost_delay=0",
    "autovacuum_analyze_threshold=2000",
    "autovacuum_analyze_scale_factor=0.05",
}
ARCHIVE = {
    "autovacuum_vacuum_insert_threshold=10000",
    "autovacuum_vacuum_insert_scale_factor=0.05",
    "autovacuum_vacuum_threshold=10000",
    "autovacuum_vacuum_scale_factor=0.05",
    "autovacuum_analyze_threshold=10000",
    "autovacuum_analyze_scale_factor=0.05",
}


async def settings(sql: Session, table: str) -> set[str] | None:
    query = "SELECT reloptions FROM pg_class WHERE oid = %s::regclass"
    (options,) = await fetch_all(sql, query, f"pgmq.{table}")
    return None if options is None else set(options)


@pytest.mark.parametrize("table", ["q_fresh", "q_fresh_dlq"])
async def test_a_queue_is_vacuumed_after_a_fixed_number_of_dead_rows(
    sql: Session, table: str
) -> None:
    await create_queue(sql, "fresh")
    assert await settings(sql, table) == QUEUE


@pytest.mark.parametrize("table", ["a_fresh", "a_fresh_dlq"])
async def test_an_archive_is_vacuumed_after_inserts(sql: Session, table: str) -> None:
    await create_queue(sql, "fresh")
    assert await settings(sql, table) == ARCHIVE


async def test_what_somebody_has_set_is_not_overwritten(sql: Session) -> None:
    await sql.execute("SELECT pgmq.create('fresh')")
    await sql.execute("ALTER TABLE pgmq.q_fresh SET (fillfactor = 55)")
    await sql.execute("ALTER TABLE pgmq.a_fresh SET (autovacuum_enabled = off)")
    await create_queue(sql, "fresh")
    assert await settings(sql, "q_fresh") == {"fillfactor=55"}
    assert await settings(sql, "a_fresh") == {"autovacuum_enabled=off"}
    assert await settings(sql, "q_fresh_dlq") == QUEUE


async def test_a_change_by_hand_outlives_the_next_creation(sql: Session) -> None:
    await create_queue(sql, "fresh")
    await sql.execute("ALTER TABLE pgmq.q_fresh SET (autovacuum_vacuum_threshold = 7)")
    await create_queue(sql, "fresh")
    changed = await settings(sql, "q_fresh")
    assert changed is not None
    assert "autovacuum_vacuum_threshold=7" in changed
