"""Declares subscribers and publishers, on a broker or on a router."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from faststream._internal.broker.registrator import Registrator
from faststream._internal.constants import EMPTY

from faststream_pgmq.broker.config import PgmqBrokerConfig
from faststream_pgmq.grouping import Grouping
from faststream_pgmq.publisher.factory import create_publisher
from faststream_pgmq.retention import Retention
from faststream_pgmq.retry import RetryPolicy
from faststream_pgmq.subscriber.factory import create_subscriber

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import timedelta

    from fast_depends.dependencies import Dependant
    from faststream._internal.parser import CodecProto
    from faststream._internal.types import BrokerMiddleware, CustomCallable
    from faststream.middlewares import AckPolicy

    from faststream_pgmq.publisher.usecase import PgmqPublisher
    from faststream_pgmq.subscriber.usecase import PgmqSubscriber


class PgmqRegistrator(Registrator[Any, PgmqBrokerConfig]):
    """Includable to a broker."""

    def subscriber(  # pyright: ignore[reportIncompatibleMethodOverride]  # as every broker does
        self,
        queue: str,
        *,
        batch: bool = False,
        max_messages: int = 100,
        max_workers: int = 1,
        visibility_timeout: float = 60.0,
        retry: RetryPolicy | None = None,
        pause_probe: Callable[[], Awaitable[None]] | None = None,
        archive: bool = True,
        fair: bool = False,
        ordered: bool = False,
        max_per_group: int | None = None,
        archive_retention: timedelta | None = None,
        dead_letter_retention: timedelta | None = None,
        # broker arguments
        ack_policy: AckPolicy = EMPTY,
        no_reply: bool = False,
        dependencies: Sequence[Dependant] = (),
        parser: CustomCallable | None = None,
        decoder: CustomCallable | None = None,
        codec: CodecProto | None = None,
        persistent: bool = True,
        # AsyncAPI information
        title: str | None = None,
        description: str | None = None,
        include_in_schema: bool = True,
    ) -> PgmqSubscriber:
        """Subscribe a handler to a queue.

        Args:
            queue: The queue; `faststream_pgmq.create_queue` has created it.
            batch: The handler takes a list of messages.
            max_messages: Most messages claimed by one read, and most in a batch.
            max_workers: Handlers that run at the same time.
            visibility_timeout: Seconds until a dead worker's messages are delivered again. A
                handler may take longer: a heartbeat keeps what is in hand.
            retry: When to retry, dead-letter and pause.
            pause_probe: Raises while what caused a pause is still down. Without one, a paused
                subscriber lets one message through to see.
            archive: Keep acknowledged messages in the archive table; else they are deleted.
            fair: Take the groups of the queue in turn, so that a group with many messages does not
                delay another's first one by more than a batch. A message's group is its header
                `group`. These three need a queue that was created for it: see `create_queue`.
            ordered: One message of a group after the other, in the order of sending, whatever
                happens: one that is retried holds up its group.
            max_per_group: Most messages of a group in hand at a time, of all consumers together.
            archive_retention: Delete archived messages this long after; one consumer of the queue
                does so, every few minutes, in small transactions. By default they are kept.
            dead_letter_retention: Delete dead letters this long after they failed for good.
            ack_policy: `NACK_ON_ERROR` (default) retries by `retry`; `REJECT_ON_ERROR`
                dead-letters; `ACK` acknowledges whatever happens; `ACK_FIRST` does so before the
                handler; `MANUAL` leaves it to the handler.
            no_reply: Ignore `reply_to` headers.
            dependencies: Dependencies to apply to the subscriber.
            parser: Custom parser to map raw messages to FastStream ones.
            decoder: Function to decode FastStream message bytes to Python objects.
            codec: Custom codec object.
            persistent: Whether to retain the subscriber across broker restarts.
            title: AsyncAPI subscriber object title.
            description: AsyncAPI subscriber object description.
            include_in_schema: Whether to include operation in AsyncAPI schema.

        Raises:
            ValueError: no queue can have this name, or arguments are out of range.
        """
        subscriber = create_subscriber(
            queue=queue,
            batch=batch,
            max_messages=max_messages,
            max_workers=max_workers,
            visibility_timeout=visibility_timeout,
            retry=retry or RetryPolicy(),
            pause_probe=pause_probe,
            archive=archive,
            grouping=Grouping.wanted(fair=fair, ordered=ordered, max_per_group=max_per_group),
            retention=Retention(archive_retention, dead_letter_retention),
            ack_policy=ack_policy,
            no_reply=no_reply,
            config=cast("PgmqBrokerConfig", self.config),
            title_=title,
            description_=description,
            include_in_schema=include_in_schema,
        )
        super().subscriber(subscriber, persistent=persistent)
        return subscriber.add_call(
            parser_=parser or self._parser,
            decoder_=decoder or self._decoder,
            codec_=codec,
            dependencies_=dependencies,
        )

    def publisher(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        queue: str,
        *,
        batch: bool | None = None,
        headers: dict[str, Any] | None = None,
        persistent: bool = True,
        # AsyncAPI information
        title: str | None = None,
        description: str | None = None,
        schema: Any | None = None,
        include_in_schema: bool = True,
    ) -> PgmqPublisher:
        """Create a publisher: an object to send with, or a decorator for what a handler returns.

        Args:
            queue: Where the messages go.
            batch: A returned list is one message for each item. By default only a list of
                `PgmqResponse` is.
            headers: Headers of every message.
            persistent: Whether to retain the publisher across broker restarts.
            title: AsyncAPI publisher object title.
            description: AsyncAPI publisher object description.
            schema: AsyncAPI publishing message type.
            include_in_schema: Whether to include operation in AsyncAPI schema.
        """
        publisher = create_publisher(
            queue=queue,
            batch=batch,
            headers=headers,
            config=cast("PgmqBrokerConfig", self.config),
            title_=title,
            description_=description,
            schema_=schema,
            include_in_schema=include_in_schema,
        )
        super().publisher(publisher, persistent=persistent)
        return publisher

    def include_router(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        router: PgmqRegistrator,
        *,
        prefix: str = "",
        dependencies: Sequence[Dependant] = (),
        middlewares: Sequence[BrokerMiddleware[Any, Any]] = (),
        include_in_schema: bool | None = None,
    ) -> None:
        """Include a router's subscribers and publishers; `prefix` goes before their queues."""
        if not isinstance(router, PgmqRegistrator):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"router must be a PgmqRouter, got {type(router).__name__}")
        super().include_router(
            router,
            prefix=prefix,
            dependencies=dependencies,
            middlewares=middlewares,
            include_in_schema=include_in_schema,
        )
