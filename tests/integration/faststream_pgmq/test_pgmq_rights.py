"""The table of rights in docs/operations.md: what it grants is enough."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.errors import InsufficientPrivilege
from psycopg.sql import SQL, Identifier

from faststream_pgmq import PgmqBroker, purge_archive, purge_dead_letters
from tests.integration.faststream_pgmq.support import NEVER, Job, eventually, fetch_all

Session = AsyncConnection[Any]


class Role:
    """Somebody who may do nothing yet."""

    def __init__(self, dsn: str, admin: psycopg.Connection[Any]) -> None:
        self.name = f"role_{admin.info.dbname}"
        self.dsn = make_conninfo(dsn, user=self.name, password="x")
        self._admin = admin

    def may(self, rights: str, *tables: str) -> None:
        grant: Any = f"GRANT {rights} ON {', '.join(tables)} TO {self.name}"
        self._admin.execute(grant)


@pytest.fixture
def role(dsn: str) -> Iterator[Role]:
    with psycopg.connect(dsn, autocommit=True) as admin:
        someone = Role(dsn, admin)
        name = Identifier(someone.name)
        admin.execute(SQL("CREATE ROLE {} LOGIN PASSWORD 'x'").format(name))
        admin.execute(SQL("GRANT USAGE ON SCHEMA pgmq TO {}").format(name))
        yield someone
        admin.execute(SQL("DROP OWNED BY {}").format(name))
        admin.execute(SQL("DROP ROLE {}").format(name))


async def test_a_sender_by_sql_needs_only_to_insert(role: Role, sql: Session) -> None:
    role.may("INSERT", "pgmq.q_jobs")
    async with await AsyncConnection.connect(role.dsn, autocommit=True) as conn:
        await conn.execute("INSERT INTO pgmq.q_jobs (vt, message) VALUES (now(), '1')")
        with pytest.raises(InsufficientPrivilege):
            await conn.execute("SELECT 1 FROM pgmq.q_jobs")
    assert await fetch_all(sql, "SELECT message FROM pgmq.q_jobs") == [1]


async def test_a_sender_by_the_broker_also_needs_to_see_and_with_keys_to_update(role: Role) -> None:
    role.may("INSERT", "pgmq.q_jobs")
    async with PgmqBroker(role.dsn, logger=None) as broker:
        with pytest.raises(InsufficientPrivilege):
            await broker.publish(1, "jobs")
        role.may("SELECT", "pgmq.q_jobs")
        assert await broker.publish(1, "jobs") is not None
        with pytest.raises(InsufficientPrivilege):
            await broker.publish(1, "jobs", dedup_key="k")
        role.may("UPDATE", "pgmq.q_jobs")
        assert await broker.publish(1, "jobs", dedup_key="k") is not None


async def test_a_consumer_needs_the_tables_of_its_queue(role: Role, sql: Session) -> None:
    role.may("SELECT, INSERT, UPDATE, DELETE", "pgmq.q_jobs", "pgmq.a_jobs", "pgmq.q_jobs_dlq")
    broker = PgmqBroker(role.dsn, poll_interval=NEVER, logger=None)

    @broker.subscriber("jobs")
    async def handle(job: Job) -> None: ...

    async with broker:
        await broker.start()
        await broker.publish(Job(n=1), "jobs")
        await broker.publish("no job", "jobs")
        counts = "SELECT (SELECT count(*) FROM pgmq.a_jobs), (SELECT count(*) FROM pgmq.q_jobs_dlq)"

        async def ended() -> bool:
            return await fetch_all(sql, counts) == [(1, 1)]

        await eventually(ended)
        assert await broker.dead_letters("jobs").redrive() == 1


async def test_retention_needs_the_archives_too(role: Role) -> None:
    role.may("SELECT, UPDATE, DELETE", "pgmq.a_jobs", "pgmq.a_jobs_dlq", "pgmq.q_jobs_dlq")
    async with await AsyncConnection.connect(role.dsn, autocommit=True) as conn:
        for queue in ("jobs", "jobs_dlq"):
            assert await purge_archive(conn, queue, older_than=timedelta()) == 0
        assert await purge_dead_letters(conn, "jobs", older_than=timedelta()) == 0
