"""One read for all pages that want the same at the same time, however many tabs are open.

Nobody is given what was read before he asked: who comes while a read runs shares the next one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from services.api.parts import ApiParts
from shared.postgres.queue_figures import (
    QueueFigures,
    QueuePoint,
    Range,
    find_figures,
    find_series,
)
from shared.runtime import Pool

Read = TypeVar("Read")


APART_SECONDS: Final = 0.15
"""Reads of the same begin no sooner after one another; a lone one begins at once."""


class SharedReads:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._begun_at: dict[Hashable, float] = {}
        self._waiting: dict[Hashable, asyncio.Task[Any]] = {}
        self._running: dict[Hashable, asyncio.Task[Any]] = {}

    async def get(self, key: Hashable, read: Callable[[], Awaitable[Read]]) -> Read:
        """Return what a read of this key finds that begins from now on."""
        task = self._waiting.get(key)
        if task is None:
            task = self._waiting[key] = asyncio.create_task(self._run(key, read))
        # A tab that goes away must not take the read from the others.
        return await asyncio.shield(task)

    async def _run(self, key: Hashable, read: Callable[[], Awaitable[Read]]) -> Read:
        if (before := self._running.get(key)) is not None:
            await asyncio.wait([before])
        begun = self._begun_at.get(key, 0.0)
        await asyncio.sleep(max(0.0, begun + APART_SECONDS - time.monotonic()))
        self._remember(key)
        self._running[key] = self._waiting.pop(key)
        try:
            return await read()
        finally:
            del self._running[key]

    def _remember(self, key: Hashable) -> None:
        now = time.monotonic()
        old = [one for one, begun in self._begun_at.items() if now - begun > APART_SECONDS]
        for one in old:
            del self._begun_at[one]
        self._begun_at[key] = now


_reads: Final[WeakKeyDictionary[Pool, SharedReads]] = WeakKeyDictionary()


async def read_figures(parts: ApiParts) -> list[QueueFigures]:
    """Return the last sample of every queue; the caller may operate."""
    pool = parts.pages

    async def read() -> list[QueueFigures]:
        async with pool.connection() as conn:
            return await find_figures(conn)

    return await _reads.setdefault(pool, SharedReads()).get("figures", read)


async def read_series(parts: ApiParts, queue: str, within: Range) -> list[QueuePoint]:
    """Return what a queue did over time; the caller may operate."""
    pool = parts.pages

    async def read() -> list[QueuePoint]:
        async with pool.connection() as conn:
            return await find_series(conn, queue, within)

    return await _reads.setdefault(pool, SharedReads()).get((queue, within), read)
