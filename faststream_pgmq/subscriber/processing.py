"""Shows deliveries to the handler and finds out how each of them ended."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

from faststream.exceptions import AckMessage, SkipMessage, StopConsume
from faststream.middlewares import AckPolicy

from faststream_pgmq.delivery import Settlement
from faststream_pgmq.errors import InvalidBatchError
from faststream_pgmq.outbox import OUTBOX, Outbox
from faststream_pgmq.subscriber.verdict import (
    Action,
    bury,
    decide,
    give_back,
    judge,
    summary,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faststream_pgmq.delivery import Delivery
    from faststream_pgmq.retry import RetryPolicy
    from faststream_pgmq.storage import Queues


class LostDeliveriesError(Exception):
    """A message that was delivered again and again without an end."""


class Owner(Protocol):
    """What processing asks of its subscriber."""

    ack_policy: AckPolicy

    @property
    def queues(self) -> Queues: ...
    @property
    def batch(self) -> bool: ...
    @property
    def retry(self) -> RetryPolicy: ...
    @property
    def is_paused(self) -> bool: ...
    async def process_message(self, msg: Any) -> Any: ...
    async def end(self, settlement: Settlement) -> None: ...
    async def end_now(self, settlement: Settlement) -> None: ...
    def pause(self, reason: str) -> None: ...
    def stop_soon(self, error: BaseException) -> None: ...
    def notice(self, error: BaseException) -> None: ...
    def log(self, text: str, level: int, delivery: Delivery | None = None) -> None: ...


class Processing:
    """Runs the handler of one subscriber."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner

    async def run(self, unit: Sequence[Delivery]) -> None:
        """Handle deliveries: together for a batch subscriber, else one after the other."""
        if len(unit) == 1 and unit[0].read_ct == 1:
            # Nearly every message for its own: nobody had it before, so it was not lost.
            await self._run_some(unit)
            return
        unit = await self._bury_lost(unit)
        suspects = [one for one in unit if one.is_suspect]
        await self._run_healthy([one for one in unit if not one.is_suspect])
        if suspects:
            await self._run_suspect(suspects)

    async def _run_healthy(self, healthy: Sequence[Delivery]) -> None:
        if self._owner.batch:
            await self._run_some(healthy)
        else:
            for delivery in healthy:
                await self._run_some([delivery])

    async def _bury_lost(self, unit: Sequence[Delivery]) -> list[Delivery]:
        most = self._owner.retry.max_lost_deliveries
        lost = [one for one in unit if one.lost > most]
        if not lost:
            return list(unit)
        error = LostDeliveriesError(
            f"delivered {most} times without an end: each time its worker died or its lease ran out"
        )
        for delivery in lost:
            self._owner.log(f"dead-lettered: {error}", logging.ERROR, delivery)
        await self._owner.end(Settlement(dead=[bury(one, error, one.attempts) for one in lost]))
        return [one for one in unit if one.lost <= most]

    async def _run_suspect(self, suspects: list[Delivery]) -> None:
        # One of these may kill the worker. The others are given back first: they must not be
        # counted as lost with it, time and again, until they are dead letters too. Written, not
        # only queued: it may kill the worker before the writer's next turn.
        await self._owner.end_now(Settlement(deferred=[give_back(one) for one in suspects[1:]]))
        await self._run_some(suspects[:1])

    async def _run_some(self, some: Sequence[Delivery]) -> None:
        if not some:
            return
        if self._owner.is_paused:
            await self._owner.end(Settlement(deferred=[give_back(one) for one in some]))
            return
        if self._owner.ack_policy is AckPolicy.ACK_FIRST:
            await self._owner.end(Settlement(acks=list(some)))
        outbox = Outbox(some, self._owner)
        error = await self._call(outbox)
        if error is None:
            for problem in outbox.errors.values():
                self._owner.notice(problem)
            await self._end_well(outbox)
        else:
            self._owner.notice(error)
            await self._end_badly(some, error)

    async def _call(self, outbox: Outbox) -> BaseException | None:
        for delivery in outbox.deliveries:
            delivery.runs += 1
        some = tuple(outbox.deliveries)
        token = OUTBOX.set(outbox)
        try:
            await self._owner.process_message(some if self._owner.batch else some[0])
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Something inside the handler was cancelled, not the handler.
            return RuntimeError(f"the handler was cancelled from inside: {summary(error)}")
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - the one place for all of them
            return error
        finally:
            OUTBOX.reset(token)
        return None

    async def _end_well(self, outbox: Outbox) -> None:
        if not outbox.errors and not outbox.replies:
            if self._owner.ack_policy is not AckPolicy.MANUAL:
                await self._owner.end(Settlement(acks=list(outbox.deliveries)))
            return
        settlement = Settlement(replies=outbox.replies)
        for index, delivery in enumerate(outbox.deliveries):
            error = outbox.errors.get(index)
            if error is not None:
                self._judge(settlement, delivery, error)
            elif self._owner.ack_policy is not AckPolicy.MANUAL:
                settlement.acks.append(delivery)
        await self._owner.end(settlement)

    async def _end_badly(self, some: Sequence[Delivery], error: BaseException) -> None:
        if isinstance(error, (StopConsume, SystemExit)):
            await self._owner.end(Settlement(deferred=[give_back(one) for one in some]))
            self._owner.stop_soon(error)
        elif isinstance(error, InvalidBatchError):
            await self._bury_invalid(some, error)
        elif len(some) == 1 or self._is_for_all(error):
            settlement = Settlement()
            for delivery in some:
                self._judge(settlement, delivery, error)
            await self._owner.end(settlement)
        else:
            await self._isolate(some, error)

    def _is_for_all(self, error: BaseException) -> bool:
        if isinstance(error, (AckMessage, SkipMessage)):
            return True
        return decide(error, self._owner.retry, self._owner.ack_policy) in {
            Action.ACK,
            Action.PAUSE,
        }

    async def _bury_invalid(self, some: Sequence[Delivery], error: InvalidBatchError) -> None:
        settlement = Settlement()
        for index, problem in error.errors.items():
            self._judge(settlement, some[index], problem)
        await self._owner.end(settlement)
        await self._run_some([one for i, one in enumerate(some) if i not in error.errors])

    async def _isolate(self, some: Sequence[Delivery], error: BaseException) -> None:
        # The handler did not say which: half and half again, until the culprit stands alone.
        text = f"a batch of {len(some)} failed, looking for the culprit: {summary(error)}"
        self._owner.log(text, logging.INFO)
        half = len(some) // 2
        await self._run_some(some[:half])
        await self._run_some(some[half:])

    def _judge(self, settlement: Settlement, delivery: Delivery, error: BaseException) -> None:
        verdict = judge(settlement, delivery, error, self._owner.retry, self._owner.ack_policy)
        self._owner.log(verdict.text, verdict.level, delivery)
        if verdict.action is Action.PAUSE:
            self._owner.pause(verdict.text)
