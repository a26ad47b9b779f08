"""The running part of a subscriber: it fetches, hands out to workers, sleeps, pauses and stops."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from time import monotonic
from typing import TYPE_CHECKING, Final

import psycopg

from faststream_pgmq.crew import Crew, forget_cancellations
from faststream_pgmq.delivery import Claimed, Settlement
from faststream_pgmq.errors import PgmqConnectionError
from faststream_pgmq.subscriber.holding import Hand
from faststream_pgmq.subscriber.sweeping import sweep_for_ever
from faststream_pgmq.subscriber.telling import Teller
from faststream_pgmq.subscriber.verdict import give_back, summary
from faststream_pgmq.subscriber.writing import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faststream_pgmq.delivery import Delivery
    from faststream_pgmq.storage import Bell
    from faststream_pgmq.subscriber.reading import GroupReader, Reader
    from faststream_pgmq.subscriber.usecase import PgmqSubscriber

POLL_WITHOUT_DOORBELL: Final = 1.0
PREFETCH_SECONDS: Final = 0.5
"""Work to claim ahead for single-message handlers: enough to be busy, too little to hoard."""
FIRST_WAIT: Final = 0.1
LAST_WAIT: Final = 2.0
"""Seconds between tries to read while Postgres is away."""
FIRST_PROBE: Final = 1.0
LAST_PROBE: Final = 60.0
"""Seconds that a pause lasts before its next probe; grows until something is acknowledged."""
LAST_READ: Final = 2.0
"""Seconds that a stop waits for what is being claimed; it may only wait for a connection."""
TURN: Final = 0.002
"""Seconds after which a worker lets the loop run: handlers that never wait would starve it."""
LAST_WRITES: Final = 10.0
"""Seconds that a stop waits for what is being written."""


class Consumer:
    """Everything that a subscriber holds while it runs."""

    def __init__(self, subscriber: PgmqSubscriber, *, poll_interval: float) -> None:
        self._subscriber = subscriber
        self._own = subscriber.own
        self._poll_interval = poll_interval
        self._reader = subscriber.new_reader()
        self._bell: Bell = subscriber.queues.doorbell(subscriber.queue, self._hear_pause)
        self.hand = Hand(subscriber, self._own.visibility_timeout)
        self.writer = Writer(subscriber)
        self._teller = Teller(subscriber, self.hand)
        self._units: asyncio.Queue[Sequence[Delivery]] = asyncio.Queue()
        self._idle_workers = 0
        self._paused_for_all = False
        """The queue is, not only this subscriber: what was last read says so."""
        self._heard_pause = False
        """A pause for all was told since the last read began: it may not have seen it."""
        self._changed = asyncio.Event()
        self._pace: float | None = None
        """Seconds per message, smoothed; known once one was handled."""
        self._probe_wait = FIRST_PROBE
        self._fetcher, self._workers, self._clerks = (Crew(self._tell_end) for _ in range(3))

    def start(self) -> None:
        self._fetcher.employ(self._fetch_for_ever)
        for _ in range(self._own.max_workers):
            self._workers.employ(self._work)
        for clerk in (self.hand.beat, self.writer.run, self._teller.run, self._sweep):
            self._clerks.employ(clerk)

    async def stop(self, graceful_timeout: float | None) -> None:
        """Stop fetching, give back what has not begun, let the rest finish or give it back."""
        await self._fetcher.end()
        self.give_back_waiting()
        if graceful_timeout and not await self._finish_running(graceful_timeout):
            text = f"handlers still run after {graceful_timeout} s; their messages are given back"
            self._subscriber.log(text, logging.WARNING)
        await self._workers.end()
        self._give_back_open(self.hand.all())
        if not await self.writer.drain(LAST_WRITES):
            text = "not everything could be acknowledged; it will be delivered again"
            self._subscriber.log(text, logging.ERROR)
        await self._clerks.end()
        await self._teller.forget()
        await self._bell.close()

    def give_back_waiting(self) -> None:
        """Give back what no worker has begun."""
        while not self._units.empty():
            self._give_back(self._units.get_nowait())

    def written(self) -> None:
        """Note that the writer is further on."""
        self._changed.set()

    def _give_back(self, deliveries: Sequence[Delivery]) -> None:
        if deliveries:
            self._put(Settlement(deferred=[give_back(one) for one in deliveries]))

    def _give_back_open(self, deliveries: Sequence[Delivery]) -> None:
        self._give_back([one for one in deliveries if not one.settled and not one.ended])

    def _put(self, settlement: Settlement) -> None:
        for delivery in settlement.deliveries:
            delivery.ended = True
        self.writer.put(settlement)

    async def end(self, settlement: Settlement) -> None:
        """Have it written; wait only if the writer is far behind."""
        if settlement.acks:
            self._probe_wait = FIRST_PROBE
        self._put(settlement)
        while self.writer.backlog > 4 * self._own.max_messages:
            self._changed.clear()
            await self._changed.wait()

    async def end_now(self, settlement: Settlement) -> None:
        """Return when this is written, and all that ended before."""
        if not settlement.is_empty:
            self._put(settlement)
        await self.writer.until_written()

    # Workers

    async def _work(self) -> None:
        with self._subscriber.working():
            await self._work_for_ever()

    async def _work_for_ever(self) -> None:
        turn_ends = 0.0
        while not self._workers.is_ending:
            unit = await self._next_unit()
            began = monotonic()
            await self._process(unit)
            ended = monotonic()
            self._keep_pace((ended - began) / len(unit))
            if ended > turn_ends:
                self._changed.set()
                await asyncio.sleep(0)
                turn_ends = monotonic() + TURN

    async def _next_unit(self) -> Sequence[Delivery]:
        if not self._units.empty():
            return self._units.get_nowait()
        self._idle_workers += 1
        self._changed.set()
        try:
            return await self._units.get()
        finally:
            self._idle_workers -= 1

    async def _process(self, unit: Sequence[Delivery]) -> None:
        try:
            await self._subscriber.processing.run(unit)
        except BaseException:
            self._give_back_open(unit)
            raise
        if not self._workers.is_ending:
            forget_cancellations()

    def _keep_pace(self, seconds: float) -> None:
        self._pace = seconds if self._pace is None else 0.8 * self._pace + 0.2 * seconds

    async def _finish_running(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._until_all_idle()
        except TimeoutError:
            return False
        return True

    async def _until_all_idle(self) -> None:
        while self._idle_workers < self._own.max_workers or not self._units.empty():
            self._changed.clear()
            await self._changed.wait()

    # Fetching

    async def _fetch_for_ever(self) -> None:
        with contextlib.suppress(psycopg.Error, PgmqConnectionError):
            # So that a pause is heard although the queue is never empty. Sleeping will try again.
            await self._bell.listen()
        wait = FIRST_WAIT
        while not self._fetcher.is_ending:
            try:
                if self._subscriber.is_paused:
                    await self._until_up()
                else:
                    await self._fetch()
                wait = FIRST_WAIT
            except (psycopg.OperationalError, PgmqConnectionError) as error:
                text = f"cannot read, next try in {wait:.1f} s: {summary(error)}"
                self._subscriber.log(text, logging.WARNING)
                await asyncio.sleep(wait)
                wait = min(wait * 2, LAST_WAIT)
            except Exception as error:  # noqa: BLE001 - the loop must outlive whatever it meets
                self._subscriber.log(f"cannot read: {summary(error)}", logging.ERROR)
                await asyncio.sleep(LAST_WAIT)

    async def _fetch(self) -> None:
        await self._until_hungry()
        if self._subscriber.is_paused:
            return
        claimed = await self._read(everything=False)
        if not claimed.deliveries:
            paused, limit = claimed.paused is not None, self._poll_interval
            if claimed.next_due is not None and not paused:
                limit = min(limit, claimed.next_due)
            claimed = await self._bell.sleep(
                lambda: self._read(everything=True), max(0.0, limit), paused=paused
            )
        self._hand_out(claimed.deliveries)
        if any(one.is_suspect for one in claimed.deliveries):
            # What another worker began beside a suspect would be lost with it, time and again.
            await self._until_all_idle()

    async def _until_hungry(self) -> None:
        while self._idle_workers <= self._units.qsize() and not self._is_low():
            self._changed.clear()
            await self._changed.wait()

    def _is_low(self) -> bool:
        """Return whether what waits is done before a read could bring more."""
        if self._pace is None or self._own.batch or self._limit() < self._own.max_messages:
            return False
        return self._units.qsize() <= self._own.max_messages // 2

    async def _read(self, *, everything: bool) -> Claimed:
        return await self._read_with(self._reader, self._limit(), everything=everything)

    async def _read_with(
        self, reader: Reader | GroupReader, limit: int, *, everything: bool
    ) -> Claimed:
        self._heard_pause = False
        reading = asyncio.create_task(
            reader.read(self._subscriber.queues, limit, everything=everything)
        )
        try:
            claimed = await asyncio.shield(reading)
        except asyncio.CancelledError:
            # A stop: what is being claimed right now must be known, so that it is given back.
            # That it cannot be read any more must not keep the task alive.
            with contextlib.suppress(Exception):
                async with asyncio.timeout(LAST_READ):
                    self.hand.take((await reading).deliveries)
            raise
        self.hand.take(claimed.deliveries)
        self._note_pause(claimed)
        return claimed

    def _limit(self) -> int:
        if self._own.batch:
            return self._own.max_messages
        # One worker with long jobs must not hoard what others could do.
        ahead = 1 if self._pace is None else int(PREFETCH_SECONDS / max(self._pace, 1e-6))
        return min(self._own.max_messages, max(1, ahead) * self._own.max_workers)

    def _hand_out(self, deliveries: Sequence[Delivery]) -> None:
        if self._subscriber.is_paused or self._heard_pause:
            self._give_back(deliveries)
        elif self._own.batch:
            if deliveries:
                self._units.put_nowait(deliveries)
        else:
            self._hand_out_one_by_one(deliveries)

    def _hand_out_one_by_one(self, deliveries: Sequence[Delivery]) -> None:
        suspects = [one for one in deliveries if one.is_suspect]
        for delivery in deliveries:
            if not delivery.is_suspect:
                self._units.put_nowait([delivery])
        if suspects:
            self._units.put_nowait(suspects)

    # Pause of the queue, for all its consumers

    def _hear_pause(self) -> None:
        self._heard_pause = True
        self.give_back_waiting()

    def _note_pause(self, claimed: Claimed) -> None:
        if claimed.paused is not None and not self._paused_for_all:
            self.give_back_waiting()
            text = f"the queue is paused for all consumers: {claimed.paused or 'no reason given'}"
            self._subscriber.log(text, logging.WARNING)
        elif claimed.paused is None and self._paused_for_all:
            self._subscriber.log("the queue's pause has ended", logging.INFO)
        self._paused_for_all = claimed.paused is not None

    # Pause of this subscriber, after its handler said so

    async def _until_up(self) -> None:
        """Return when the cause of the pause is gone: by the probe, or by one message's trial.

        A probe may pass while the handler still fails, so the wait grows from pause to pause too.
        """
        while not self._fetcher.is_ending:
            await asyncio.sleep(self._probe_wait)
            self._probe_wait = min(self._probe_wait * 2, LAST_PROBE)
            if await self._is_up():
                self._subscriber.resume()
                return

    async def _is_up(self) -> bool:
        if self._own.pause_probe is None:
            return await self._try_one()
        try:
            await self._own.pause_probe()
        except Exception as error:  # noqa: BLE001 - whatever it raises means: still down
            self._subscriber.log(f"still paused: {summary(error)}", logging.DEBUG)
            return False
        return True

    async def _try_one(self) -> bool:
        await self._until_all_idle()
        claimed = await self._read_with(self._subscriber.new_reader(), 1, everything=True)
        if not claimed.deliveries:
            # Nothing to try with, so nothing to spare either: the next message will tell.
            return True
        self._subscriber.resume(quietly=True)
        self._hand_out(claimed.deliveries)
        await self._until_all_idle()
        return not self._subscriber.is_paused

    # Clerks

    async def _sweep(self) -> None:
        await sweep_for_ever(self._subscriber)

    def _tell_end(self, what: str, error: BaseException | None) -> None:
        reason = "it was cancelled" if error is None else summary(error)
        self._subscriber.log(f"{what} has ended and is begun anew: {reason}", logging.ERROR)
