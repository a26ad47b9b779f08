"""What every contestant can do, and how its handler reports."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from time import perf_counter
from typing import TYPE_CHECKING, LiteralString, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Send = Callable[[int], Awaitable[object]]


class Tally:
    """Counts handled messages; every handler calls it, and does nothing else."""

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.count = 0
        self.first_at = 0.0
        self.last_at = 0.0
        self._done = asyncio.Event()

    def add(self, count: int = 1) -> None:
        if self.count == 0:
            self.first_at = perf_counter()
        self.count += count
        if self.count >= self.expected:
            self.last_at = perf_counter()
            self._done.set()

    async def done(self) -> None:
        """Return when as many as expected were handled."""
        await self._done.wait()

    def expect(self, more: int) -> None:
        """Wait for `more` from now on."""
        self.expected = self.count + more
        self._done.clear()


class Contestant(Protocol):
    """A queue with a consumer."""

    name: str
    remaining: LiteralString
    """SQL that counts what was not acknowledged."""

    async def create(self, dsn: str) -> None:
        """Create its tables in an empty database."""
        ...

    async def fill(self, dsn: str, count: int) -> None:
        """Let so many messages wait."""
        ...

    def consuming(self, dsn: str, tally: Tally) -> AbstractAsyncContextManager[None]:
        """Consume while in the context."""
        ...

    def sending(self, dsn: str) -> AbstractAsyncContextManager[Send]:
        """Return a function that sends one message in its own transaction."""
        ...
