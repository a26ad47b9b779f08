"""Consumer processes that a test kills, stops, ends and cuts off."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from asyncio.subprocess import Process
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import Any

from psycopg import AsyncConnection

from tests.integration.faststream_pgmq.support import eventually, fetch_all

WORKER = Path(__file__).with_name("ledger_worker.py")
LEASE_SECONDS = 2.0
EVERY_SECONDS = 1.2
END_SECONDS = 25.0
"""Longer than `graceful_timeout` and everything else that a stop waits for."""
HAS_JUST_ENTERED = """
    SELECT 1 FROM ledger WHERE worker = %s AND entered_at > clock_timestamp() - interval '50 ms'
"""
IS_THERE = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'consumer ' || %s LIMIT 1"
CUT_OFF = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'consumer %'
      -- One that is cut off while it starts may end itself; whoever started it starts it again.
      AND backend_start < clock_timestamp() - interval '3 seconds'
    ORDER BY random() LIMIT 4
"""


class Consumers:
    """So many consumers at work, whatever happens to each; none is disturbed twice at once."""

    def __init__(self, dsn: str, sql: AsyncConnection[Any], *, count: int, seed: int) -> None:
        self._dsn, self._sql = dsn, sql
        self._random = random.Random(seed)
        self._number = 0
        self._places: list[tuple[str, Process] | None] = [None] * count
        self._disturbed: set[int] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self.done = Counter[str]()

    async def start(self) -> None:
        await asyncio.gather(*(self._start_at(n) for n in range(len(self._places))))

    async def disturb(self, seconds: float) -> None:
        """Kill, stop, end and cut off, for so long; return when all are at work again."""
        deadline, turns = monotonic() + seconds, list[str]()
        while monotonic() < deadline:
            turns = turns or self._random.sample(["kill", "stop", "end", "cut off"], 4)
            free = [n for n in range(len(self._places)) if n not in self._disturbed]
            if free:
                self._begin(turns.pop(), self._random.choice(free))
            await asyncio.sleep(EVERY_SECONDS)
        await asyncio.gather(*self._tasks)

    async def end(self) -> None:
        """Stop them all, gracefully."""
        await asyncio.gather(*(self._end_at(n) for n in range(len(self._places))))

    async def kill(self) -> None:
        """Leave no process behind, whatever happened."""
        for task in self._tasks:
            task.cancel()
        for process in [one[1] for one in self._places if one is not None]:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def _begin(self, what: str, place: int) -> None:
        self._disturbed.add(place)
        self._tasks.append(asyncio.create_task(self._disturb_at(what, place)))

    async def _disturb_at(self, what: str, place: int) -> None:
        match what:
            case "kill":
                self._process(place).kill()
                await self._process(place).wait()
                await self._start_at(place)
            case "stop":
                await self._stop_past_the_lease(place)
            case "end":
                await self._end_at(place)
                await self._start_at(place)
            case _:
                await fetch_all(self._sql, CUT_OFF)
        self.done[what] += 1
        self._disturbed.discard(place)

    async def _stop_past_the_lease(self, place: int) -> None:
        at_work = self._places[place]
        assert at_work is not None

        async def has_just_entered() -> bool:
            return bool(await fetch_all(self._sql, HAS_JUST_ENTERED, at_work[0]))

        # In the middle of a handler: the effect is there, the acknowledgement is not.
        await eventually(has_just_entered, 30)
        at_work[1].send_signal(signal.SIGSTOP)
        await asyncio.sleep(LEASE_SECONDS + self._random.random())
        at_work[1].send_signal(signal.SIGCONT)

    async def _start_at(self, place: int) -> None:
        self._number += 1
        name = str(self._number)
        arguments = (WORKER, self._dsn, name, str(LEASE_SECONDS))
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments)
        self._places[place] = name, process

        async def is_there() -> bool:
            assert process.returncode is None, "the consumer could not start"
            return bool(await fetch_all(self._sql, IS_THERE, name))

        # Before that a SIGTERM is not yet its to handle.
        await eventually(is_there, 30)

    async def _end_at(self, place: int) -> None:
        process = self._process(place)
        process.terminate()
        async with asyncio.timeout(END_SECONDS):
            assert await process.wait() == 0, "a graceful stop is no failure"

    def _process(self, place: int) -> Process:
        at_work = self._places[place]
        assert at_work is not None
        return at_work[1]
