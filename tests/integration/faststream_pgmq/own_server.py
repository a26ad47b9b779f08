"""A Postgres server of a test's own, which may be restarted, killed and configured."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from cli.local_stack import LocalStack
from cli.local_stack.addresses import postgres_dsn
from cli.local_stack.postgres_server import PostgresServer

MAINTENANCE = "postgres"
"""A database whose sessions do not count among those of the queues' database."""


class OwnServer:
    """One server with two queues; its methods block for seconds."""

    def __init__(self, folder: Path) -> None:
        self.stack = LocalStack(folder)
        self.dsn = ""

    def start(self) -> None:
        self.stack.start_service("postgres")
        state = self.stack.state()
        self.dsn = postgres_dsn(state.ports["postgres"], PostgresServer(self.stack.home).password)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Return when it accepts nobody any more."""
        self.stack.kill_service("postgres", number)
        while True:
            try:
                psycopg.connect(self.dsn, connect_timeout=2).close()
            except psycopg.OperationalError as error:
                if "refused" in str(error):
                    return

    async def restart(self, number: signal.Signals = signal.SIGINT) -> None:
        await asyncio.to_thread(self.stop, number)
        await asyncio.to_thread(self.start)

    async def configure(self, *statements: LiteralString) -> None:
        """Run statements that change the server's configuration, and let them take effect."""
        async with await self.connect(MAINTENANCE) as conn:
            for statement in (*statements, "SELECT pg_reload_conf()"):
                await conn.execute(statement)

    async def connect(self, database: str | None = None) -> AsyncConnection[Any]:
        dsn = self.dsn if database is None else make_conninfo(self.dsn, dbname=database)
        return await AsyncConnection.connect(dsn, autocommit=True)
