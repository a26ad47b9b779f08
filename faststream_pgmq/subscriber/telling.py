"""The clerk who tells Postgres how far handlers are: seldom, and of all of them together."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import psycopg

from faststream_pgmq.subscriber.verdict import summary

if TYPE_CHECKING:
    from faststream_pgmq.delivery import Delivery, Progress
    from faststream_pgmq.subscriber.holding import Hand, Owner

EVERY: Final = 1.0
"""Seconds from one look to the next: at most one statement for what changed in each."""
LAST_TELLING: Final = 2.0
"""Seconds that a stop waits for what was told to be forgotten."""


class Teller:
    """Tells what the handlers of one subscriber report."""

    def __init__(self, owner: Owner, hand: Hand) -> None:
        self._owner = owner
        self._hand = hand
        self._seen: dict[Delivery, Progress] = {}
        """What was reporting at the last look."""
        self._told: dict[Delivery, Progress] = {}

    async def run(self) -> None:
        """Tell for ever; end where this role may not, or the database has no table for it."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self._look()
            except psycopg.ProgrammingError as error:
                self._owner.log(f"no progress is told: {summary(error)}", logging.WARNING)
                return
            except Exception as error:  # noqa: BLE001 - nobody must wait for what is only looked at
                self._owner.log(f"cannot tell progress: {summary(error)}", logging.DEBUG)

    async def _look(self) -> None:
        now = {
            one: one.progress
            for one in self._hand.all()
            if one.progress is not None and not one.ended
        }
        # What was not there at the last look may be done in a moment: not worth a statement.
        seen, self._seen = self._seen, now
        news = {one: p for one, p in now.items() if one in seen and self._told.get(one) != p}
        gone = [one for one in self._told if one not in now]
        if not news and not gone:
            return
        await self._owner.queues.tell(self._owner.queue, list(news), gone)
        self._told = {one: p for one, p in (self._told | news).items() if one in now}

    async def forget(self) -> None:
        """Take back what was told: nobody handles it any more."""
        gone, self._told = list(self._told), {}
        if not gone:
            return
        try:
            async with asyncio.timeout(LAST_TELLING):
                await self._owner.queues.tell(self._owner.queue, [], gone)
        except Exception as error:  # noqa: BLE001 - a stop comes to its end, whatever happens
            self._owner.log(f"cannot take progress back: {summary(error)}", logging.DEBUG)
