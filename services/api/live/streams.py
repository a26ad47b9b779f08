"""The open streams of this process: how many, whose, and whether their keys are still valid."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from prometheus_client import Gauge
from psycopg import Error
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.api.beside import beside
from services.api.known_keys import KnownKeys
from services.api.live.subscription import Subscription
from shared.postgres.api_keys import ApiKey

MOST_STREAMS: Final = 2_000
MOST_STREAMS_OF_KEY: Final = 200
RETRY_AFTER_SECONDS: Final = 10
LONGEST_SECONDS: Final = 3600.0
"""Then a client comes back, and is looked at anew: its session may be over."""
RECONNECT_MILLISECONDS: Final = 1_000, 4_000
"""Clients come back one by one."""
CHECK_SECONDS: Final = 2.0
"""With what `KnownKeys` remembers: a revoked key's streams end within some 5 s."""
OPEN_STREAMS: Final = Gauge("supastate_live_streams", "Open streams of live updates")


class Streams:
    """Streams by the key that opened them."""

    def __init__(
        self,
        keys: KnownKeys,
        most: int = MOST_STREAMS,
        most_of_key: int = MOST_STREAMS_OF_KEY,
        longest: float = LONGEST_SECONDS,
    ) -> None:
        self._keys = keys
        self._longest = longest
        self._most = most
        self._most_of_key = most_of_key
        self._open: defaultdict[bytes, set[Subscription]] = defaultdict(set)

    def check_room(self, caller: ApiKey) -> None:
        """Return when the caller may open one more.

        Raises:
            HTTPException: 429, it has too many; 503, the process has.
        """
        if len(self._open.get(caller.key_hash, ())) >= self._most_of_key:
            reason = f"this API key may keep {self._most_of_key} streams open; close some"
            raise _try_later(HTTPStatus.TOO_MANY_REQUESTS, reason)
        if sum(map(len, self._open.values())) >= self._most:
            raise _try_later(HTTPStatus.SERVICE_UNAVAILABLE, "too many streams are open; try again")

    def add(self, caller: ApiKey, subscription: Subscription) -> None:
        """Count this one, and end it when its key ends."""
        self._open[caller.key_hash].add(subscription)
        OPEN_STREAMS.inc()

    def remove(self, caller: ApiKey, subscription: Subscription) -> None:
        """Forget one that has ended."""
        mine = self._open[caller.key_hash]
        mine.discard(subscription)
        OPEN_STREAMS.dec()
        if not mine:
            del self._open[caller.key_hash]

    @asynccontextmanager
    async def checked(self) -> AsyncGenerator[None]:
        """End the streams of keys that end, as long as this is open."""
        async with beside(self._keep_checking):
            yield

    async def _keep_checking(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            for key_hash in list(self._open):
                is_valid = await self._is_valid(key_hash)
                for subscription in self._open.get(key_hash, ()):
                    if not is_valid or time.monotonic() - subscription.opened_at > self._longest:
                        subscription.end()

    async def _is_valid(self, key_hash: bytes) -> bool:
        try:
            return await self._keys.find_hash(key_hash) is not None
        except (Error, PoolTimeout):  # nobody knows: the streams say that Postgres is away
            return True


class LiveResponse(StreamingResponse):
    """Sends a subscription's events until it, its client or its `last` event ends it.

    It holds no database connection meanwhile.
    """

    def __init__(
        self, streams: Streams, caller: ApiKey, subscription: Subscription, last: str = ""
    ) -> None:
        super().__init__(
            encode_events(subscription, last),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        self._streams, self._caller, self._subscription = streams, caller, subscription
        streams.add(caller, subscription)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Here and not in the generator: that one never starts when the client is gone at once.
        try:
            with self._subscription:
                await super().__call__(scope, receive, send)
        finally:
            self._streams.remove(self._caller, self._subscription)


async def encode_events(subscription: Subscription, last: str = "") -> AsyncGenerator[bytes]:
    """Yield the bytes of a stream, until the event named `last`."""
    yield format_sse_event(retry=random.randint(*RECONNECT_MILLISECONDS))  # noqa: S311
    async for event in subscription:
        yield KEEPALIVE_COMMENT if event is None else event.encode()
        if event is not None and event.name == last:
            return


def _try_later(status: HTTPStatus, reason: str) -> HTTPException:
    return HTTPException(status, reason, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
