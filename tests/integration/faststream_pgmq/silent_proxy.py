"""A TCP proxy whose connections can go silent: open at both ends, and nothing comes through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from psycopg.conninfo import conninfo_to_dict, make_conninfo


class SilentProxy:
    """Forwards to one server; new connections work although older ones went silent."""

    def __init__(self, dsn: str) -> None:
        given = conninfo_to_dict(dsn)
        self._target = str(given["host"]), int(given["port"] or 5432)
        self._dsn = dsn
        self._pumps: list[asyncio.Task[None]] = []
        self._writers: list[asyncio.StreamWriter] = []
        self.dsn = ""

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[SilentProxy]:
        """Listen on a loopback port."""
        async with await asyncio.start_server(self._meet, "127.0.0.1", 0) as server:
            self.dsn = make_conninfo(
                self._dsn, host="127.0.0.1", port=server.sockets[0].getsockname()[1]
            )
            try:
                yield self
            finally:
                await self.silence()
                for writer in self._writers:
                    writer.transport.abort()

    async def silence(self) -> None:
        """Forward nothing more, in neither direction, on the connections that are open now."""
        pumps, self._pumps = self._pumps, []
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers += [writer, far_writer]
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            self._pumps.append(asyncio.create_task(self._pump(source, sink)))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
        except OSError:
            pass
        finally:
            # Silence cancels this task: then the other side must not hear of it.
            task = asyncio.current_task()
            if task is not None and not task.cancelling():
                sink.close()
