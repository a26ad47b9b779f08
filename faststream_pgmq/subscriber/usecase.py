"""The subscriber as FastStream sees it, and what ends its deliveries."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from faststream._internal.endpoint.utils import process_msg

from faststream_pgmq.delivery import Settlement
from faststream_pgmq.errors import DeadLetter, Retry
from faststream_pgmq.handler import PgmqHandler
from faststream_pgmq.parser import PgmqBatchParser, PgmqParser
from faststream_pgmq.publisher.fake import PgmqFakePublisher
from faststream_pgmq.subscriber.calling import DirectSubscriber
from faststream_pgmq.subscriber.consuming import POLL_WITHOUT_DOORBELL, Consumer
from faststream_pgmq.subscriber.processing import Processing
from faststream_pgmq.subscriber.pulling import Puller
from faststream_pgmq.subscriber.reading import GroupReader, Reader
from faststream_pgmq.subscriber.verdict import judge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Sequence

    from faststream._internal.endpoint.publisher import PublisherProto
    from faststream._internal.endpoint.subscriber import SubscriberSpecification
    from faststream._internal.endpoint.subscriber.call_item import CallsCollection
    from faststream.message import StreamMessage

    from faststream_pgmq.broker.config import PgmqBrokerConfig
    from faststream_pgmq.delivery import Delivery
    from faststream_pgmq.retention import Retention
    from faststream_pgmq.retry import RetryPolicy
    from faststream_pgmq.storage import Queues
    from faststream_pgmq.subscriber.config import PgmqSubscriberConfig


class PgmqSubscriber(DirectSubscriber):
    """Reads one queue."""

    _call_wrapper_class = PgmqHandler
    _outer_config: PgmqBrokerConfig

    def __init__(
        self,
        config: PgmqSubscriberConfig,
        specification: SubscriberSpecification[Any, Any],
        calls: CallsCollection[Any],
    ) -> None:
        if config.batch:
            batch_parser = PgmqBatchParser(self)
            config.parser = batch_parser.parse_batch
            config.decoder = batch_parser.decode_batch
        else:
            parser = PgmqParser(self)
            config.parser = parser.parse_message
            config.decoder = parser.decode_message
        super().__init__(config, specification, calls)
        self.own = config
        self.refused = 0
        """Endings refused because the lease was lost: somebody else has the message now."""
        self._consumer: Consumer | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._pause_reason: str | None = None
        self._notice: Callable[[BaseException], None] | None = None
        self.processing = Processing(self)

    @property
    def queue(self) -> str:
        return f"{self._outer_config.prefix}{self.own.queue}"

    @property
    def queues(self) -> Queues:
        return self._outer_config.queues

    @property
    def batch(self) -> bool:
        return self.own.batch

    @property
    def archive(self) -> bool:
        return self.own.archive

    @property
    def rings(self) -> bool:
        """Whether an end must wake who sleeps: another message of the group may be due."""
        return self.own.grouping is not None and self.own.grouping.is_limited

    def new_reader(self) -> Reader | GroupReader:
        """Return what remembers where the next read starts."""
        lease, grouping = self.own.visibility_timeout, self.own.grouping
        if grouping is None:
            return Reader(self.queue, lease)
        return GroupReader(self.queue, lease, grouping)

    @property
    def retention(self) -> Retention:
        return self.own.retention

    @property
    def retry(self) -> RetryPolicy:
        return self.own.retry

    @property
    def is_paused(self) -> bool:
        return self._pause_reason is not None

    @property
    def is_consuming(self) -> bool:
        return self._consumer is not None

    @property
    def _active(self) -> Consumer | None:
        # What a handler leaves that is tried out in memory is none of the consumer's business.
        return None if self._outer_config.is_tested_here else self._consumer

    # Life

    async def start(self) -> None:
        """Begin to read.

        Raises:
            QueueNotFoundError: the queue does not exist.
        """
        await super().start()
        if self.calls and self._consumer is None:
            await self._start_consumer()
        self._post_start()

    async def _start_consumer(self) -> None:
        poll_interval = self._outer_config.poll_interval
        if not await self.queues.check(self.queue, self.own.grouping):
            poll_interval = min(poll_interval, POLL_WITHOUT_DOORBELL)
            text = (
                f"queue {self.queue!r} has no doorbell, so it is polled every {poll_interval} s; "
                f"SELECT faststream_pgmq.create_queue('{self.queue}') adds one"
            )
            self.log(text, logging.WARNING)
        self._stopping = None
        self._consumer = Consumer(self, poll_interval=poll_interval)
        self._consumer.start()

    async def stop(self) -> None:
        """Stop reading, finish within `graceful_timeout`, give the rest back."""
        self.running = False
        stopping = self._stopping
        if stopping is not None and stopping is not asyncio.current_task():
            await asyncio.shield(stopping)  # a handler has asked for it already
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop(self._outer_config.graceful_timeout)

    def stop_soon(self, error: BaseException) -> None:
        """Stop from inside a handler that raised `StopConsume` or `SystemExit`."""
        if self._active is not None and self._stopping is None:
            self._stopping = asyncio.create_task(self.stop())
        app = self._outer_config.context.get("app")
        if isinstance(error, SystemExit) and app is not None:
            app.exit()

    # Pause

    def pause(self, reason: str) -> None:
        """Stop fetching and give back what has not begun; what runs may finish."""
        if self._pause_reason is None:
            self._pause_reason = reason
            self.log(f"paused: {reason}", logging.WARNING)
        if self._active is not None:
            self._active.give_back_waiting()

    def resume(self, *, quietly: bool = False) -> None:
        self._pause_reason = None
        if not quietly:
            self.log("resumed", logging.INFO)

    def notice(self, error: BaseException) -> None:
        """Tell who watches that a handler raised."""
        if self._notice is not None:
            self._notice(error)

    @contextmanager
    def noticing(self, watcher: Callable[[BaseException], None]) -> Generator[None]:
        """Tell `watcher` what handlers raise; for tests."""
        former, self._notice = self._notice, watcher
        try:
            yield
        finally:
            self._notice = former

    # How deliveries end

    async def end(self, settlement: Settlement) -> None:
        """Have these ends written, in one transaction with their replies."""
        settlement = settlement.without_settled()
        if settlement.is_empty:
            return
        if (active := self._active) is not None:
            await active.end(settlement)
        else:
            await self._write_now(settlement)

    async def end_now(self, settlement: Settlement) -> None:
        """Return when these ends are written, and those before them."""
        settlement = settlement.without_settled()
        if (active := self._active) is not None:
            await active.end_now(settlement)
        elif not settlement.is_empty:
            await self._write_now(settlement)

    async def ack_now(self, deliveries: Sequence[Delivery]) -> None:
        await self._settle_by_hand(Settlement(acks=list(deliveries)))

    async def nack_now(self, deliveries: Sequence[Delivery], delay: float | None) -> None:
        await self._judge_by_hand(deliveries, Retry(delay=delay))

    async def reject_now(self, deliveries: Sequence[Delivery], reason: str) -> None:
        await self._judge_by_hand(deliveries, DeadLetter(reason))

    async def _judge_by_hand(self, deliveries: Sequence[Delivery], error: Exception) -> None:
        settlement = Settlement()
        for delivery in deliveries:
            verdict = judge(settlement, delivery, error, self.retry)
            self.log(verdict.text, verdict.level, delivery)
        await self._settle_by_hand(settlement)

    async def _settle_by_hand(self, settlement: Settlement) -> None:
        settlement = settlement.without_settled()
        if not settlement.is_empty:
            await self._write_now(settlement)
        for delivery in settlement.deliveries:
            delivery.settled = True

    async def _write_now(self, settlement: Settlement) -> None:
        refused = await self.queues.settle(
            self.queue, settlement, archive=self.archive, ring=self.rings
        )
        self.forget(settlement.deliveries, refused)

    def forget(self, deliveries: Sequence[Delivery], refused: set[int]) -> None:
        """Note that these have ended, except those that were no longer ours."""
        self.refused += len(refused)
        for delivery in deliveries if refused else ():
            if delivery.msg_id in refused:
                text = "not acknowledged: the lease was lost, and somebody else has the message"
                self.log(text, logging.WARNING, delivery)
        if self._active is not None:
            self._active.hand.drop(deliveries)
            self._active.written()

    def fail(self, settlement: Settlement, error: Exception) -> Settlement:
        """Return what becomes of deliveries whose replies cannot be sent."""
        failed = Settlement(deferred=settlement.deferred, dead=settlement.dead)
        for delivery in settlement.acks:
            verdict = judge(failed, delivery, error, self.retry)
            self.log(verdict.text, verdict.level, delivery)
        return failed

    # Without a handler

    @property
    def pull_limit(self) -> int:
        return self.own.max_messages if self.batch else 1

    @property
    def lease(self) -> float:
        return self.own.visibility_timeout

    async def get_one(self, *, timeout: float = 5.0) -> StreamMessage[Any] | None:  # noqa: ASYNC109 - FastStream's
        """Return one message, or None after `timeout` seconds; with `batch` as many as are due.

        Acknowledge it yourself, within the visibility timeout: no heartbeat keeps it.

        Raises:
            AssertionError: the subscriber has a handler, which would compete for the messages.
        """
        self._refuse_handlers()
        puller = Puller(self)
        try:
            return await self._parse(await puller.pull(timeout))
        finally:
            await puller.close()

    async def __aiter__(self) -> AsyncIterator[StreamMessage[Any]]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Yield messages, or batches, for ever; acknowledge each yourself."""
        self._refuse_handlers()
        puller = Puller(self)
        try:
            async for deliveries in puller.pull_for_ever(self._outer_config.poll_interval):
                message = await self._parse(deliveries)
                if message is not None:
                    yield message
        finally:
            await puller.close()

    def _refuse_handlers(self) -> None:
        if self.calls:
            raise AssertionError(f"queue {self.queue!r} is read by a handler already")

    async def _parse(self, deliveries: Sequence[Delivery]) -> StreamMessage[Any] | None:
        context = self._outer_config.context
        parser, decoder = self._get_parser_and_decoder()
        if not deliveries:
            return None
        raw: Any = tuple(deliveries) if self.batch else deliveries[0]
        return await process_msg(
            msg=raw,
            middlewares=(build(raw, context=context) for build in self._broker_middlewares),
            parser=parser,
            decoder=decoder,
        )

    # Replies and logs

    def _make_response_publisher(self, message: StreamMessage[Any]) -> Sequence[PublisherProto]:
        producer = self._outer_config.producer
        return (PgmqFakePublisher(producer=producer, queue=message.reply_to),)

    def get_log_context(self, message: StreamMessage[Any] | None) -> dict[str, str]:
        return {"queue": self.queue, "message_id": getattr(message, "message_id", "")}

    def log(self, text: str, level: int, delivery: Delivery | None = None) -> None:
        message_id = "" if delivery is None else str(delivery.msg_id)
        self._log(level, text, extra={"queue": self.queue, "message_id": message_id})
