"""What waits for one client: bounded, because a client may read slowly or not at all."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, Self

from services.api.live.events import RESYNC, Event

MOST_WAITING: Final = 32


class Subscription:
    """An async iterator of events, for one reader; leave its `with` block to end it.

    None says that nothing happened for a while.
    """

    def __init__(self, topics: Iterable[str], on_close: Callable[[Subscription], None]) -> None:
        self.topics = frozenset(topics)
        self._on_close = on_close
        self._waiting: deque[Event | None] = deque()
        self._changed = asyncio.Event()
        self._is_ended = False
        self.opened_at = time.monotonic()

    def offer(self, event: Event) -> None:
        """Let the client read this; who has too much to read is told to fetch all again."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.clear()
            event = Event(RESYNC, event.id)
        self._waiting.append(event)
        self._changed.set()

    def beat(self) -> None:
        """Let the client see that the stream lives, if it has nothing else to read."""
        if not self._waiting:
            self._waiting.append(None)
            self._changed.set()

    def end(self) -> None:
        """Let the client read what waits, and no more."""
        self._is_ended = True
        self._changed.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()
        self._on_close(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event | None:
        while not self._waiting:
            if self._is_ended:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._waiting.popleft()
