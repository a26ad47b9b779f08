"""Keeps many streams of live updates open at one process: what they cost, and how soon all hear."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from psycopg import AsyncConnection

from benchmarks.api.server import NO_LIMIT, Api
from benchmarks.api.settings import Sizes
from benchmarks.figures import Results
from shared.postgres.api_keys import create_key
from shared.postgres.live import tell

STREAMS_OF_KEY: Final = 100
MOST_MEGABYTES: Final = 300.0
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'supastate-live'"
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"


def measure_streams(api: Api, sizes: Sizes, results: Results) -> None:
    """Memory and database connections of open streams, and the time until each hears a change."""
    asyncio.run(_measure(api, sizes.streams, results))


async def _measure(api: Api, number: int, results: Results) -> None:
    async with await AsyncConnection.connect(api.dsn, autocommit=True) as conn:
        keys = await _make_keys(conn, api, number)
        sessions, before = await _count(conn, SESSIONS), _megabytes(api.pid)
        async with AsyncExitStack() as opened:
            streams = [
                await opened.enter_async_context(_stream(api.url, keys[n % len(keys)]))
                for n in range(number)
            ]
            heard = await _time_change(conn, streams)
            grown = _megabytes(api.pid) - before
            listeners = await _count(conn, CONNECTIONS)
            more = await _count(conn, SESSIONS) - sessions
    label = f"{number} streams"
    results.add("streams", "MB", {f"{label}, memory they add": [grown]})
    results.add("streams", "ms", {f"{label}, until the last hears": [heard]})
    results.add("streams", "connections", {f"{label}, all that are added": [float(more)]})
    results.at_most("streams", f"MB of {label}", grown, MOST_MEGABYTES * number / 1_000)
    results.at_most("streams", f"connections that listen for {label}", float(listeners), 1.0)
    results.at_most("streams", f"connections that {label} add", float(more), 1.0)


async def _make_keys(conn: AsyncConnection, api: Api, number: int) -> list[str]:
    return [
        await create_key(
            conn,
            workspace_id=api.workspace_id,
            user_id=api.user_id,
            name=f"stream {n}",
            requests_per_minute=NO_LIMIT,
        )
        for n in range(-(-number // STREAMS_OF_KEY))
    ]


@asynccontextmanager
async def _stream(url: str, key: str) -> AsyncGenerator[asyncio.StreamReader]:
    """Yield a stream that has said its first event."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    lines = (
        "GET /api/live?topics=operations HTTP/1.1",
        f"host: {parts.netloc}",
        f"authorization: Bearer {key}",
    )
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode())
        await reader.readuntil(b"event: connected\n")
        await reader.readuntil(b"\n\n")
        yield reader
    finally:
        writer.close()


async def _time_change(conn: AsyncConnection, streams: Sequence[asyncio.StreamReader]) -> float:
    """Return the milliseconds until the last stream hears of a change."""
    started = time.perf_counter()
    await tell(conn, "operations")
    await asyncio.gather(*(one.readuntil(b"event: operations\n") for one in streams))
    return (time.perf_counter() - started) * 1000


async def _count(conn: AsyncConnection, query: str) -> int:
    row = await (await conn.execute(query.encode())).fetchone()
    return 0 if row is None else int(row[0])


def _megabytes(pid: int) -> float:
    """Return the memory that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith("VmRSS"))
    return int(kilobytes) / 1024
