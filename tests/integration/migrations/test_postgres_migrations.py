"""The migrations run by `supastate migrate`, by several at once, and by plain psql."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pgmq.install import get_embedded_install_sql
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from faststream_pgmq import install_sql
from shared.errors import DependencyDownError
from shared.messages import QUEUES
from shared.postgres import migrate as migrations
from shared.postgres.migrate import ChangedMigrationError, migrate, read_migrations
from tests.databases import own_database


@pytest.fixture
def empty_database(postgres_dsn: str) -> Iterator[str]:
    with own_database(postgres_dsn, "empty") as dsn:
        yield dsn


async def test_a_second_migrate_applies_nothing(empty_database: str) -> None:
    first = await migrate(empty_database)
    assert first == [migration.name for migration in read_migrations()]
    assert await migrate(empty_database) == []


async def test_concurrent_migrates_apply_each_file_once(empty_database: str) -> None:
    applied = await asyncio.gather(*(migrate(empty_database) for _ in range(4)))
    names = [name for names in applied for name in names]
    assert sorted(names) == [migration.name for migration in read_migrations()]


async def test_an_edited_migration_is_refused(
    empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(empty_database)
    copy = shutil.copytree(migrations.MIGRATIONS, tmp_path / "postgres")
    with (copy / "0001_pgmq.sql").open("a") as file:
        file.write("-- edited\n")
    monkeypatch.setattr(read_migrations, "__defaults__", (copy,))
    with pytest.raises(ChangedMigrationError, match="0001_pgmq"):
        await migrate(empty_database)


async def test_an_unreachable_server_is_named(servers: object) -> None:
    with pytest.raises(DependencyDownError, match="Postgres does not answer"):
        await migrate("host=127.0.0.1 port=1 connect_timeout=2")


@pytest.mark.skipif(shutil.which("psql") is None, reason="no psql on this machine")
def test_plain_psql_applies_them_twice(empty_database: str, tmp_path: Path) -> None:
    pgmq = tmp_path / "pgmq.sql"
    pgmq.write_text(get_embedded_install_sql())
    files = sorted(migrations.MIGRATIONS.glob("[0-9]*.sql"))
    for file in [pgmq, *files, *files]:
        command = [
            "psql",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-1",
            "-d",
            empty_database,
            "-f",
            str(file),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{file.name}: {done.stderr}"


async def test_migrate_takes_over_a_database_prepared_with_psql(empty_database: str) -> None:
    async with await AsyncConnection.connect(empty_database, autocommit=True) as conn:
        await conn.execute(get_embedded_install_sql().encode())
        for migration in read_migrations():
            await conn.execute(migration.sql.encode())
    assert await migrate(empty_database) == [migration.name for migration in read_migrations()]


def test_the_newest_broker_migration_is_the_brokers_own_file() -> None:
    *_, newest = sorted(migrations.MIGRATIONS.glob("*_broker*.sql"))
    assert newest.read_text() == install_sql()


@pytest.mark.parametrize("queue", QUEUES)
async def test_the_documented_queries_work_word_for_word(
    conn: AsyncConnection[TupleRow], queue: str
) -> None:
    await conn.execute("SELECT pgmq.send(%s, %s)", (queue, '{"type": "memory"}'))
    metrics = await (
        await conn.execute(f"SELECT * FROM pgmq.metrics('{queue}');".encode())
    ).fetchone()
    retried = f"SELECT * FROM pgmq.queue_{queue} WHERE retry_count > 0;".encode()
    assert metrics is not None
    assert metrics[1] == 1
    assert await (await conn.execute(retried)).fetchall() == []


async def test_retry_count_counts_attempts_not_deliveries(conn: AsyncConnection[TupleRow]) -> None:
    await conn.execute("""SELECT pgmq.send('memory_ingestion', '{}', '{"attempts": 2}'::jsonb)""")
    await conn.execute("SELECT pgmq.read('memory_ingestion', 0, 1)")
    row = await conn.execute("SELECT retry_count, read_ct FROM pgmq.queue_memory_ingestion")
    assert await row.fetchone() == (2, 1)


async def test_queue_health_lists_every_queue_and_dead_letter_queue(
    conn: AsyncConnection[TupleRow],
) -> None:
    rows = await (await conn.execute("SELECT queue_name FROM queue_health")).fetchall()
    assert {name for (name,) in rows} == {*QUEUES, *(f"{queue}_dlq" for queue in QUEUES)}
