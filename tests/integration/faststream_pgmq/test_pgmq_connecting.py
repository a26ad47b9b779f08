"""A connection attempt that is given up is over, for the server too, and at once."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator

import pytest

from faststream_pgmq.connecting import connect
from faststream_pgmq.errors import PgmqConnectionError

SECONDS = 5.0


class MuteServer:
    """Takes a client's first packet, and never says a word: a login that does not go on."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.left = asyncio.Event()
        self.dsn = ""

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.set()
        while await reader.read(1024):
            pass
        self.left.set()
        writer.close()


@pytest.fixture
async def mute() -> AsyncIterator[MuteServer]:
    mute = MuteServer()
    async with await asyncio.start_server(mute.meet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        mute.dsn = f"host=127.0.0.1 port={port} user=x dbname=x sslmode=disable connect_timeout=2"
        yield mute


@pytest.fixture
def no_collector() -> Iterator[None]:
    """The garbage collector may come, or not: it must not be what closes a connection."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
async def test_a_cancelled_login_leaves_no_half_made_session_behind(mute: MuteServer) -> None:
    attempt = asyncio.create_task(connect(mute.dsn))
    async with asyncio.timeout(SECONDS):
        await mute.asked.wait()
    attempt.cancel()
    await asyncio.wait([attempt])
    async with asyncio.timeout(SECONDS):
        await mute.left.wait()
    assert attempt.cancelled()


@pytest.mark.usefixtures("no_collector")
async def test_a_login_that_takes_too_long_leaves_no_half_made_session_behind(
    mute: MuteServer,
) -> None:
    with pytest.raises(PgmqConnectionError, match="timeout") as raised:
        await connect(mute.dsn)
    async with asyncio.timeout(SECONDS):
        await mute.left.wait()
    assert "Is the server running" in str(raised.value)
