"""What many tabs ask for at one moment is read once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

KEPT_SECONDS: Final = 1.0
MOST_KEPT: Final = 500
Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Read(Generic[Answer]):
    answer: asyncio.Task[Answer]
    until: float


class SharedReads(Generic[Answer]):
    """Answers by what was asked; the key must tell whose it is, and which state of the data."""

    def __init__(self) -> None:
        self._reads: dict[Hashable, _Read[Answer]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return what `make` answers, or answered in the last second, or is about to answer."""
        read = self._reads.get(key)
        if read is None or (read.answer.done() and time.monotonic() >= read.until):
            read = self._begin(key, make)
        # One tab that is closed must not take the answer away from the others.
        return await asyncio.shield(read.answer)

    def _begin(self, key: Hashable, make: Callable[[], Awaitable[Answer]]) -> _Read[Answer]:
        if len(self._reads) >= MOST_KEPT:
            self._reads.clear()

        async def answer() -> Answer:
            return await make()

        read = _Read(asyncio.create_task(answer()), time.monotonic() + KEPT_SECONDS)
        read.answer.add_done_callback(lambda task: self._forget_failed(key, task))
        self._reads[key] = read
        return read

    def _forget_failed(self, key: Hashable, task: asyncio.Task[Answer]) -> None:
        # Looked at also when nobody waits any more, or asyncio would complain.
        if task.cancelled() or task.exception() is not None:
            self._reads.pop(key, None)
