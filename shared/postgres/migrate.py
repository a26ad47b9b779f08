"""Applies `migrations/postgres`; safe to repeat and to run from several processes at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, LiteralString, cast

from pgmq.install import get_embedded_install_sql
from psycopg import AsyncConnection, OperationalError
from psycopg.rows import TupleRow

from shared.errors import DependencyDownError, SupastateError

MIGRATIONS: Final = Path(__file__).resolve().parents[2] / "migrations" / "postgres"
CONNECT_TIMEOUT_SECONDS: Final = 10
LOCK: Final = "SELECT pg_advisory_lock(hashtextextended('supastate.migrations', 0))"
CREATE_LEDGER: Final = """
CREATE TABLE IF NOT EXISTS supastate_migrations (
    name       text        PRIMARY KEY,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
HAS_LEDGER: Final = "SELECT to_regclass('supastate_migrations') IS NOT NULL"
READ_LEDGER: Final = "SELECT name, checksum FROM supastate_migrations"
RECORD: Final = "INSERT INTO supastate_migrations (name, checksum) VALUES (%s, %s)"
LACKS_PGMQ: Final = """
SELECT to_regnamespace('pgmq') IS NULL
   AND NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pgmq')
"""


class ChangedMigrationError(SupastateError):
    """A migration that stands in the ledger was edited since; write a new one instead."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return sha256(self.sql.encode()).hexdigest()


async def migrate(dsn: str) -> list[str]:
    """Apply what is missing and return its names; each file is one transaction.

    Installs pgmq from the SQL in the `pgmq` package where the server has no extension.

    Raises:
        DependencyDownError: Postgres does not answer.
        ChangedMigrationError: an applied file was edited.
    """
    async with await _connect(dsn) as conn:
        await conn.execute(LOCK)
        await conn.execute(CREATE_LEDGER)
        await _install_pgmq(conn)
        pending = await _pending(conn)
        for migration in pending:
            await _apply(conn, migration)
        return [migration.name for migration in pending]


async def find_pending(conn: AsyncConnection[TupleRow]) -> list[str]:
    """Return the names of the migrations that are missing; changes nothing.

    Raises:
        ChangedMigrationError: an applied file was edited.
    """
    if (await (await conn.execute(HAS_LEDGER)).fetchone()) == (False,):
        return [migration.name for migration in read_migrations()]
    return [migration.name for migration in await _pending(conn)]


def read_migrations(folder: Path = MIGRATIONS) -> Iterator[Migration]:
    """Return the files of `folder` in order of their numbers."""
    for path in sorted(folder.glob("[0-9]*.sql")):
        yield Migration(path.stem, path.read_text(encoding="utf-8"))


async def _connect(dsn: str) -> AsyncConnection[TupleRow]:
    try:
        return await AsyncConnection.connect(
            dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS
        )
    except OperationalError as error:
        raise DependencyDownError("Postgres", str(error)) from error


async def _install_pgmq(conn: AsyncConnection[TupleRow]) -> None:
    if (await (await conn.execute(LACKS_PGMQ)).fetchone()) == (True,):
        await _run_script(conn, get_embedded_install_sql())


async def _pending(conn: AsyncConnection[TupleRow]) -> list[Migration]:
    applied = dict(await (await conn.execute(READ_LEDGER)).fetchall())
    migrations = list(read_migrations())
    for migration in migrations:
        if applied.get(migration.name, migration.checksum) != migration.checksum:
            raise ChangedMigrationError(
                f"migration {migration.name} was edited after it was applied; "
                "put it back and write a new, higher-numbered file"
            )
    return [migration for migration in migrations if migration.name not in applied]


async def _apply(conn: AsyncConnection[TupleRow], migration: Migration) -> None:
    async with conn.transaction():
        await _run_script(conn, migration.sql)
        await conn.execute(RECORD, (migration.name, migration.checksum))


async def _run_script(conn: AsyncConnection[TupleRow], script: str) -> None:
    """Run a file of our own; without parameters psycopg sends it whole."""
    async with conn.transaction():
        await conn.execute(cast(LiteralString, script))
