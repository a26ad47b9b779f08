"""The API behind a real HTTP server in this process, for what is streamed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI

DEADLINE_SECONDS = 20.0


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncGenerator[str]:
    """Serve an application that has started, and yield its URL."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()  # who comes before the server is there waits
        port = listener.getsockname()[1]
        config = uvicorn.Config(app, log_level="warning", lifespan="off")
        server = uvicorn.Server(config)
        served = asyncio.create_task(server.serve([listener]))
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await served


class Stream:
    """What one client reads of a stream."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def next(self) -> tuple[str, str]:
        """Return the next event's name and data."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self._next()

    async def is_ended(self) -> bool:
        """Return whether the server ends the stream without another event, in time."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return not [line async for line in self._lines if line.startswith("event: ")]

    async def skip_to(self, name: str) -> str:
        """Return the data of the next event with this name."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                event, data = await self._next()
                if event == name:
                    return data

    async def _next(self) -> tuple[str, str]:
        fields: dict[str, str] = {}
        async for line in self._lines:
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            elif "event" in fields:
                return fields["event"], fields["data"]
        raise AssertionError("the stream has ended")


@asynccontextmanager
async def open_stream(url: str, key: str, path: str = "/api/live") -> AsyncGenerator[Stream]:
    """Yield a stream that has been answered."""
    headers = {"Authorization": f"Bearer {key}"}
    limits = httpx.Limits(max_connections=None)
    async with (
        httpx.AsyncClient(base_url=url, headers=headers, limits=limits, trust_env=False) as http,
        http.stream("GET", path, timeout=DEADLINE_SECONDS) as answer,
    ):
        yield Stream(answer)
