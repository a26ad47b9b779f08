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

    from faststream_pgmq.memory import StoredMessage
    from faststream_pgmq.publisher.usecase import PgmqPublisher
    from faststream_pgmq.response import PgmqPublishCommand
    from faststream_pgmq.subscriber.usecase import PgmqSubscriber

__all__ = ("TestPgmqBroker",)


class TestPgmqBroker(TestBroker[PgmqBroker, EnterType], broker=PgmqBroker):
    """Runs handlers while a message is published, with queues in memory.

    Retries, dead letters, batches and replies are the real ones; only time stands still:
    `await test.advance(seconds)` makes delayed and retried messages due.

    Args:
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
        errors: list[Exception] = []
        while any([await self._run_some(subscriber, errors) for subscriber in self.subscribers]):
            pass
        if errors and self._raise_errors:
            raise errors[0]

    async def _run_some(self, subscriber: PgmqSubscriber, errors: list[Exception]) -> bool:
        if not subscriber.calls or subscriber.is_paused:
            return False
        claimed = await self._queues.claim(
            subscriber.queue,
            mark=0,
            limit=subscriber.own.max_messages if subscriber.batch else 1,
            lease=subscriber.own.visibility_timeout,
        )
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
            if subscriber.queue == publisher.queue:
                return subscriber, True
        return broker.subscriber(publisher.queue, persistent=False), False

    @contextmanager
    def _patch_producer(self, broker: PgmqBroker) -> Generator[None, None, None]:
        with change_producer(broker.config.broker_config, FakeProducer(broker, self)):
            yield

    async def _fake_connect(self, broker: PgmqBroker, *args: Any, **kwargs: Any) -> None:
        broker.config.broker_config.connect(self._queues)


class FakeProducer(PgmqProducer):
    """Sends to queues in memory, and at once runs what they make due."""

    def __init__(self, broker: PgmqBroker, test: TestPgmqBroker[Any]) -> None:
        own = broker.config.broker_config
        super().__init__(own.broker_parser, own.broker_decoder)
        self._test = test

    async def publish(self, cmd: PgmqPublishCommand) -> int | None:
        sent = await super().publish(cmd)
        if cmd.outbox is None:
            await self._test.run_due()
        return sent

    async def publish_batch(self, cmd: PgmqPublishCommand) -> list[int | None]:
        sent = await super().publish_batch(cmd)
        await self._test.run_due()
        return sent


def _note(errors: list[Exception], error: BaseException) -> None:
    # Instructions of the handler are no errors, and are followed.
    if isinstance(error, Exception) and not isinstance(error, HandlerException):
        errors.append(error)
