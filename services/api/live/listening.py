"""Keeps one connection listening, and the hub told whether it does."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Final

from psycopg import Error

from services.api.beside import beside
from services.api.live.hub import LiveHub
from shared.postgres.live import TOPICS, hear, open_listener
from shared.runtime import listen_conninfo
from shared.settings import Settings

FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 5.0
HEARTBEAT_SECONDS: Final = 15.0
log = logging.getLogger(__name__)


@asynccontextmanager
async def listening(settings: Settings) -> AsyncGenerator[LiveHub]:
    """Yield a hub that hears what Postgres tells; its streams are ended at the end."""
    hub = LiveHub()
    dsn = listen_conninfo(settings)
    async with beside(partial(_keep_listening, hub, dsn), partial(_keep_beating, hub)):
        try:
            yield hub
        finally:
            hub.end()


async def _keep_listening(hub: LiveHub, dsn: str) -> None:
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            await _listen(hub, dsn)
        except (Error, OSError) as error:  # a TimeoutError is an OSError
            log.warning("no live updates: Postgres: %s", type(error).__name__)
        pause = FIRST_PAUSE_SECONDS if hub.is_connected else min(pause * 2, LONGEST_PAUSE_SECONDS)
        hub.tell_connection(is_up=False)
        # Jittered, so that the replicas do not come back all at once.
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311


async def _listen(hub: LiveHub, dsn: str) -> None:
    async with await open_listener(dsn) as conn, aclosing(hear(conn)) as told:
        hub.tell_connection(is_up=True)
        async for topic in told:
            if topic in TOPICS:
                hub.tell(topic)


async def _keep_beating(hub: LiveHub) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        hub.beat()
