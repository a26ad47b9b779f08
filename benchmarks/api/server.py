"""One API process over servers of its own; no worker takes what it queues."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from psycopg import AsyncConnection

from cli.local_stack import LocalStack
from shared.graph import migrate as graph
from shared.postgres import migrate as postgres
from shared.postgres.api_keys import create_key

NO_LIMIT: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Api:
    """Where it is, and who may send."""

    url: str
    key: str
    dsn: str
    workspace_id: str
    user_id: UUID
    pid: int


@contextmanager
def running_api() -> Generator[Api]:
    """Yield a running API."""
    with tempfile.TemporaryDirectory(prefix="bench-api-") as folder:
        stack = LocalStack(Path(folder))
        try:
            stack.start_servers()
            names = stack.settings()
            asyncio.run(_migrate(names))
            stack.start_service("api")
            yield asyncio.run(_open(stack.settings(), stack.state().processes["api"].pid))
        finally:
            stack.delete_data()


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process took so far, of all its threads."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


async def _migrate(names: dict[str, str]) -> None:
    await postgres.migrate(names["SUPASTATE_POSTGRES_DSN"])
    await graph.migrate(
        names["SUPASTATE_NEO4J_URI"],
        names["SUPASTATE_NEO4J_USER"],
        names["SUPASTATE_NEO4J_PASSWORD"],
    )


async def _open(names: dict[str, str], pid: int) -> Api:
    workspace_id, user_id, dsn = f"team:{uuid4()}", uuid4(), names["SUPASTATE_POSTGRES_DSN"]
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        key = await create_key(
            conn,
            workspace_id=workspace_id,
            user_id=user_id,
            name="bench",
            requests_per_minute=NO_LIMIT,
        )
    return Api(names["SUPASTATE_API_URL"], key, dsn, workspace_id, user_id, pid)
