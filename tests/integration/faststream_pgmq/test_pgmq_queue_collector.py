"""Gauges of the queues, as Prometheus' own client reads them."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from psycopg import AsyncConnection

from faststream_pgmq.prometheus import QueueCollector
from tests.integration.faststream_pgmq.support import eventually, fetch_all
from tests.integration.faststream_pgmq.two_sessions import claim, send

Session = AsyncConnection[Any]


def gauges(dsn: str, **options: Any) -> CollectorRegistry:
    registry = CollectorRegistry()
    QueueCollector(dsn, registry=registry, **options)
    return registry


def of_jobs(registry: CollectorRegistry, name: str) -> float | None:
    return registry.get_sample_value(f"pgmq_queue_{name}", {"queue": "jobs"})


async def test_every_queue_has_its_gauges(sql: Session, dsn: str) -> None:
    await send(sql, 5)
    await claim(sql, 2)
    await sql.execute("SELECT pgmq.send('jobs', '1', 600)")
    await sql.execute("SELECT pgmq.send('jobs_dlq', '1')")
    await sql.execute("SELECT faststream_pgmq.pause('results')")
    found = gauges(dsn, cache_seconds=3600)

    assert found.get_sample_value("pgmq_up") == 1
    counts = {name: of_jobs(found, name) for name in ("ready", "delayed", "in_flight", "dead")}
    assert counts == {"ready": 3, "delayed": 1, "in_flight": 2, "dead": 1}
    assert (of_jobs(found, "doorbell"), of_jobs(found, "paused")) == (1, 0)
    assert found.get_sample_value("pgmq_queue_paused", {"queue": "results"}) == 1
    assert found.get_sample_value("pgmq_queue_oldest_seconds", {"queue": "results"}) == 0
    age, size = of_jobs(found, "oldest_seconds"), of_jobs(found, "table_bytes")
    assert age is not None
    assert 0 < age < 60
    assert size is not None
    assert size > 0


async def test_dead_rows_and_an_old_snapshot_reach_prometheus(
    sql: Session,
    dsn: str,
    old: Session,
) -> None:
    await send(sql, 100)
    await sql.execute("DELETE FROM pgmq.q_jobs")
    await sql.execute("SELECT pg_stat_force_next_flush()")
    await sql.execute("SELECT pg_stat_force_next_flush()")
    registry = gauges(dsn, cache_seconds=0)

    async def dead() -> bool:
        return of_jobs(registry, "dead_tuples") == 100

    await eventually(dead)
    seconds = registry.get_sample_value("pgmq_oldest_snapshot_seconds")
    transactions = registry.get_sample_value("pgmq_oldest_snapshot_transactions")
    assert seconds is not None
    assert seconds > 0
    assert transactions is not None
    assert transactions >= 2


async def test_counts_stop_at_a_limit(sql: Session, dsn: str) -> None:
    await send(sql, 20)
    assert of_jobs(gauges(dsn, most=10), "ready") == 11


async def test_scrapes_are_answered_from_memory_for_a_while(sql: Session, dsn: str) -> None:
    kept, fresh = gauges(dsn, cache_seconds=3600), gauges(dsn, cache_seconds=0)
    assert (of_jobs(kept, "ready"), of_jobs(fresh, "ready")) == (0, 0)
    await send(sql, 1)
    assert (of_jobs(kept, "ready"), of_jobs(fresh, "ready")) == (0, 1)


async def test_registering_asks_no_database(sql: Session, dsn: str) -> None:
    gauges(dsn)
    query = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'faststream-pgmq metrics'"
    assert await fetch_all(sql, query) == []


def test_without_postgres_it_is_down_and_says_so_without_the_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    registry = gauges("postgresql://me:s3cret@127.0.0.1:1/db")
    with caplog.at_level(logging.WARNING):
        text = generate_latest(registry).decode()
    assert "pgmq_up 0.0" in text
    assert "pgmq_queue_ready" not in text
    assert "127.0.0.1:1/db" in caplog.text
    assert "s3cret" not in caplog.text
