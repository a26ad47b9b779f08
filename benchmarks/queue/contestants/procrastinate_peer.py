"""procrastinate on its psycopg pool."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, LiteralString

from procrastinate import App, PsycopgConnector

from benchmarks.queue.settings import payload

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from benchmarks.queue.contestants.contestant import Send, Tally

TASK: Final = "jobs"
CONCURRENCY: Final = 50


class ProcrastinatePeer:
    """Runs tasks concurrently; jobs that ended well are deleted, which is its fastest ending."""

    name = "procrastinate"
    remaining: LiteralString = "SELECT count(*) FROM procrastinate_jobs"

    async def create(self, dsn: str) -> None:
        async with _app(dsn).open_async() as app:
            await app.schema_manager.apply_schema_async()

    async def fill(self, dsn: str, count: int) -> None:
        async with _app(dsn).open_async() as app:
            for start in range(0, count, 1_000):
                bodies = [payload(n) for n in range(start, min(start + 1_000, count))]
                await app.configure_task(TASK).batch_defer_async(*bodies)

    @asynccontextmanager
    async def consuming(self, dsn: str, tally: Tally) -> AsyncGenerator[None]:
        async with _app(dsn).open_async() as app:

            @app.task(name=TASK)
            async def handle(**message: Any) -> None:
                tally.add()

            worker = app.run_worker_async(
                concurrency=CONCURRENCY,
                delete_jobs="always",
                install_signal_handlers=False,
                shutdown_graceful_timeout=5.0,
            )
            task = asyncio.create_task(worker)
            try:
                yield
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    @asynccontextmanager
    async def sending(self, dsn: str) -> AsyncGenerator[Send]:
        async with _app(dsn).open_async() as app:

            async def send(n: int) -> None:
                await app.configure_task(TASK).defer_async(**payload(n))

            yield send


def _app(dsn: str) -> App:
    return App(connector=PsycopgConnector(conninfo=dsn, min_size=4, max_size=20))
