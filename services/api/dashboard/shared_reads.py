"""What many tabs ask for at one moment is read once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Final

from fastapi.responses import Response

KEPT_SECONDS: Final = 1.0
MOST_KEPT: Final = 500


@dataclass(slots=True)
class _Read:
    answer: asyncio.Task[Response]
    until: float


class SharedReads:
    """Answers by what was asked; the key must tell whose it is, and which state of the data."""

    def __init__(self) -> None:
        self._reads: dict[Hashable, _Read] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[Response]]) -> Response:
        """Return what `make` answers, or answered in the last second, or is about to answer."""
        read = self._reads.get(key)
        if read is None or (read.answer.done() and time.monotonic() >= read.until):
            read = self._begin(key, make)
        # One tab that is closed must not take the answer away from the others.
        return await asyncio.shield(read.answer)

    def _begin(self, key: Hashable, make: Callable[[], Awaitable[Response]]) -> _Read:
        if len(self._reads) >= MOST_KEPT:
            self._reads.clear()

        async def answer() -> Response:
            return await make()

        read = _Read(asyncio.create_task(answer()), time.monotonic() + KEPT_SECONDS)
        read.answer.add_done_callback(lambda _: self._forget_failed(key, read))
        self._reads[key] = read
        return read

    def _forget_failed(self, key: Hashable, read: _Read) -> None:
        # Looked at also when nobody waits any more, or asyncio would complain.
        has_failed = read.answer.cancelled() or read.answer.exception() is not None
        if has_failed and self._reads.get(key) is read:
            del self._reads[key]
