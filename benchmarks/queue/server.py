"""The Postgres that is measured, and databases on it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, LiteralString, cast

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from cli.local_stack import LocalStack
from cli.local_stack.addresses import postgres_dsn
from cli.local_stack.postgres_server import PostgresServer
from faststream_pgmq import create_queue, install

DSN_VARIABLE: Final = "SUPASTATE_TEST_POSTGRES_DSN"
QUEUE: Final = "jobs"
_DROP: Final[LiteralString] = "DROP DATABASE IF EXISTS {} WITH (FORCE)"
_CREATE: Final[LiteralString] = "CREATE DATABASE {}"
_FSYNC: Final[LiteralString] = "SHOW fsync"
_SETTLE: Final[tuple[LiteralString, ...]] = ("VACUUM (ANALYZE)", "CHECKPOINT")
_EMPTY_QUEUE: Final[LiteralString] = "TRUNCATE pgmq.{queue}, pgmq.{archive}"


@contextmanager
def postgres() -> Generator[str]:
    """Yield the DSN of a server with fsync on: the one that the environment names, or a new one."""
    if named := os.environ.get(DSN_VARIABLE):
        yield _checked(named)
        return
    with tempfile.TemporaryDirectory(prefix="bench-queue-") as folder:
        stack = LocalStack(Path(folder))
        try:
            stack.start_service("postgres")
            port = stack.state().ports["postgres"]
            yield _checked(postgres_dsn(port, PostgresServer(stack.home).password))
        finally:
            stack.delete_data()


def _checked(dsn: str) -> str:
    with psycopg.connect(dsn) as conn:
        row = conn.execute(_FSYNC).fetchone()
    if row != ("on",):
        raise SystemExit("fsync is off: figures of a queue that loses messages say nothing")
    return dsn


def database_name(subject: str) -> str:
    """Return what the database of a contestant is called."""
    return subject.replace(" ", "_").replace("-", "_")


@contextmanager
def database(admin_dsn: str, name: str) -> Generator[str]:
    """Yield the DSN of a new database that is dropped at the end."""
    named = Identifier(f"bench_{name}")
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute(SQL(_DROP).format(named))
        admin.execute(SQL(_CREATE).format(named))
        try:
            yield make_conninfo(admin_dsn, dbname=f"bench_{name}")
        finally:
            admin.execute(SQL(_DROP).format(named))


@asynccontextmanager
async def connection(dsn: str) -> AsyncGenerator[AsyncConnection[Any]]:
    """Yield an autocommit connection."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        yield conn


async def install_pgmq(dsn: str, *queues: str) -> None:
    """Install pgmq's own SQL and the broker's, and create queues."""
    pgmq = files("pgmq").joinpath("sql/pgmq.sql").read_text(encoding="utf-8")
    async with connection(dsn) as conn:
        await conn.execute(cast("LiteralString", pgmq))
        await install(conn)
        for queue in queues:
            await create_queue(conn, queue)


async def settle(dsn: str) -> None:
    """Let every measurement begin with the same chores done."""
    async with connection(dsn) as conn:
        for statement in _SETTLE:
            await conn.execute(statement)


async def empty_queue(dsn: str, queue: str) -> None:
    """Remove all messages of a pgmq queue, and its archive."""
    names = {"queue": Identifier(f"q_{queue}"), "archive": Identifier(f"a_{queue}")}
    async with connection(dsn) as conn:
        await conn.execute(SQL(_EMPTY_QUEUE).format(**names))
