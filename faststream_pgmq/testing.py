"""`TestPgmqBroker`: the broker's own processing over queues in memory, without Postgres."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from faststream._internal.testing.broker import EnterType, TestBroker, change_producer
from faststream.exceptions import HandlerException

from faststream_pgmq.broker.broker import PgmqBroker
from faststream_pgmq.memory import MemoryQueues
from faststream_pgmq.publisher.producer import PgmqProducer

if TYPE_CHECKING:
    from collections.abc import Generator

    from faststream_pgmq.broker.config import PgmqBrokerConfig
    from faststream_pgmq.delivery import Delivery
    from faststream_pgmq.memory import StoredMessage
    from faststream_pgmq.publisher.usecase import PgmqPublisher
    from faststream_pgmq.response import PgmqPublishCommand
    from faststream_pgmq.subscriber.reading import GroupReader, Reader
    from faststream_pgmq.subscriber.usecase import PgmqSubscriber

__all__ = ("TestPgmqBroker",)


class TestPgmqBroker(TestBroker[PgmqBroker, EnterType], broker=PgmqBroker):
    """Runs handlers while a message is published, with queues in memory.

    Retries, dead letters, batches and replies are the real ones; only time stands still:
    `await test.advance(seconds)` makes delayed and retried messages due.

    Args:
        with_real: deliver through the broker's own Postgres, and only record the calls: errors go
            to retries and dead letters, and queues must exist, those of publishers too.
        raise_errors: what a handler raises comes out of `publish`, as in FastStream's other test
            brokers; False leaves it to retries and dead letters, as in real life.
    """

    def __init__(
        self,
        *brokers: PgmqBroker,
        with_real: bool = False,
        connect_only: bool | None = None,
        raise_errors: bool = True,
    ) -> None:
        super().__init__(*brokers, with_real=with_real, connect_only=connect_only)
        self._queues = MemoryQueues()
        self._readers: dict[PgmqSubscriber, Reader | GroupReader] = {}
        self._raise_errors = raise_errors

    def messages(self, queue: str) -> list[StoredMessage]:
        """Return what waits, is hidden or is in hand."""
        return list(self._queues[queue].messages.values())

    def archived(self, queue: str) -> list[StoredMessage]:
        """Return what was acknowledged."""
        return list(self._queues[queue].archive)

    def dead_letters(self, queue: str) -> list[StoredMessage]:
        """Return what was given up; `headers["dead_letter"]` says why."""
        return self.messages(f"{queue}_dlq")

    async def advance(self, seconds: float) -> None:
        """Move the clock, resume what is paused, run what became due, delete what is too old."""
        self._queues.advance(seconds)
        for subscriber in self.subscribers:
            if subscriber.is_paused:
                subscriber.resume()
        await self.run_due()
        for subscriber in self.subscribers:
            await self._queues.sweep(subscriber.queue, subscriber.retention)

    async def run_due(self) -> None:
        """Run handlers until nothing is due; raise the first error they raised, if asked to."""
        errors: list[BaseException] = []
        while any([await self._run_some(subscriber, errors) for subscriber in self.subscribers]):
            pass
        if errors and self._raise_errors:
            raise errors[0]

    async def _run_some(self, subscriber: PgmqSubscriber, errors: list[BaseException]) -> bool:
        if not subscriber.calls or subscriber.is_paused:
            return False
        limit = subscriber.own.max_messages if subscriber.batch else 1
        # Made now: before, the subscriber's router may not have been included, with its prefix.
        reader = self._readers.setdefault(subscriber, subscriber.new_reader())
        claimed = await reader.read(self._queues, limit)
        if claimed.deliveries:
            with subscriber.noticing(lambda error: _note(errors, error)):
                await subscriber.processing.run(claimed.deliveries)
        return bool(claimed.deliveries)

    @property
    def subscribers(self) -> list[PgmqSubscriber]:
        found = [one for broker in self.brokers for one in broker.subscribers]
        return cast("list[PgmqSubscriber]", found)

    def create_publisher_fake_subscriber(
        self, broker: PgmqBroker, publisher: PgmqPublisher
    ) -> tuple[PgmqSubscriber, bool]:
        for subscriber in self.subscribers:
            if subscriber.queue.lower() == publisher.queue.lower():
                return subscriber, True
        return broker.subscriber(publisher.queue, persistent=False), False

    @contextmanager
    def _patch_producer(self, broker: PgmqBroker) -> Generator[None, None, None]:
        config = broker.config.broker_config
        with change_producer(config, FakeProducer(config, self)):
            try:
                yield
            finally:
                config.end_test()

    async def _fake_connect(self, broker: PgmqBroker, *args: Any, **kwargs: Any) -> None:
        running = any(one.is_consuming for one in self.subscribers)
        broker.config.broker_config.begin_test(self._queues, everywhere=not running)


class FakeProducer(PgmqProducer):
    """Sends to queues in memory, and at once runs what they make due."""

    def __init__(self, config: PgmqBrokerConfig, test: TestPgmqBroker[Any]) -> None:
        limit = config.producer.max_message_bytes
        super().__init__(config.broker_parser, config.broker_decoder, limit)
        self._config = config
        self._test = test
        self._real = config.producer

    async def publish(self, cmd: PgmqPublishCommand) -> int | None:
        if not self._config.is_tested_here:
            return await self._real.publish(cmd)
        sent = await super().publish(cmd)
        if cmd.outbox is None:
            await self._test.run_due()
        return sent

    async def publish_batch(self, cmd: PgmqPublishCommand) -> list[int | None]:
        if not self._config.is_tested_here:
            return await self._real.publish_batch(cmd)
        sent = await super().publish_batch(cmd)
        await self._test.run_due()
        return sent

    async def request(self, cmd: PgmqPublishCommand) -> Delivery:
        if not self._config.is_tested_here:
            return await self._real.request(cmd)
        return await super().request(cmd)


def _note(errors: list[BaseException], error: BaseException) -> None:
    # Instructions of the handler are no errors, and are followed.
    if not isinstance(error, (HandlerException, SystemExit)):
        errors.append(error)
