"""The broker: connects, publishes, starts and stops its subscribers."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import psycopg
from fast_depends import Provider, dependency_provider
from faststream._internal.broker import BrokerUsecase
from faststream._internal.constants import EMPTY
from faststream._internal.context.repository import ContextRepo
from faststream._internal.di import FastDependsConfig
from faststream.message import gen_cor_id
from faststream.response import PublishType
from faststream.specification.schema import BrokerSpec

from faststream_pgmq.broker.addresses import server_urls, without_secrets
from faststream_pgmq.broker.config import PgmqBrokerConfig
from faststream_pgmq.broker.logging import make_pgmq_logger_state
from faststream_pgmq.broker.registrator import PgmqRegistrator
from faststream_pgmq.connecting import describe, with_defaults
from faststream_pgmq.dead_letters import DeadLetters
from faststream_pgmq.polling import NO_LISTENER
from faststream_pgmq.postgres import PostgresQueues
from faststream_pgmq.publisher.outgoing import MAX_MESSAGE_BYTES
from faststream_pgmq.publisher.producer import PgmqProducer
from faststream_pgmq.response import Delay, PgmqPublishCommand, due, with_routing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from types import TracebackType

    from fast_depends.dependencies import Dependant
    from fast_depends.library.serializer import SerializerProto
    from faststream._internal.basic_types import LoggerProto
    from faststream._internal.parser import CodecProto
    from faststream._internal.types import BrokerMiddleware, CustomCallable, IdGenerator
    from faststream.middlewares import AckPolicy
    from faststream.security import BaseSecurity
    from faststream.specification.schema.extra import Tag, TagDict

    from faststream_pgmq.message import PgmqMessage
    from faststream_pgmq.pausing import PausedQueue
    from faststream_pgmq.sending import CallersConnection


class PgmqBroker(  # pyright: ignore[reportIncompatibleMethodOverride]  # as every broker does
    PgmqRegistrator, BrokerUsecase[Any, PostgresQueues, PgmqBrokerConfig]
):
    """A FastStream broker over pgmq.

    Args:
        conninfo: libpq connection string or URL; empty means libpq's own environment variables.
        listen_conninfo: where LISTEN and session locks work, if `conninfo` is a transaction pooler.
        pool_size: most connections beside one listener for each subscriber.
        poll_interval: seconds between two looks at an idle queue, should a wake-up get lost. Also
            the time for which a listener that went silent may stay unnoticed: the look probes it.
        graceful_timeout: seconds that running handlers get at a stop; the rest is given back.
        max_message_bytes: largest message to send, as JSON text with its headers; None means what
            Postgres can hold (some 255 MB). What others send is delivered whatever its size.
    """

    def __init__(
        self,
        conninfo: str = "",
        *,
        listen_conninfo: str | None = None,
        pool_size: int = 4,
        poll_interval: float = 30.0,
        graceful_timeout: float | None = 15.0,
        max_message_bytes: int | None = MAX_MESSAGE_BYTES,
        decoder: CustomCallable | None = None,
        parser: CustomCallable | None = None,
        codec: CodecProto | None = None,
        dependencies: Sequence[Dependant] = (),
        middlewares: Sequence[BrokerMiddleware[Any, Any]] = (),
        routers: Iterable[PgmqRegistrator] = (),
        ack_policy: AckPolicy = EMPTY,
        id_generator: IdGenerator = gen_cor_id,
        # AsyncAPI args
        specification_url: str | None = None,
        protocol: str = "postgresql",
        protocol_version: str | None = None,
        description: str | None = None,
        tags: Iterable[Tag | TagDict] = (),
        security: BaseSecurity | None = None,
        # logging args
        logger: LoggerProto | None = EMPTY,
        log_level: int = logging.INFO,
        # FastDepends args
        apply_types: bool = True,
        serializer: SerializerProto | None = EMPTY,
        provider: Provider | None = None,
        context: ContextRepo | None = None,
    ) -> None:
        dsn = with_defaults(conninfo)
        self._dsn = dsn
        self._pool_size = pool_size
        super().__init__(
            routers=routers,
            config=PgmqBrokerConfig(
                producer=PgmqProducer(parser, decoder, max_message_bytes),
                listen_conninfo=with_defaults(listen_conninfo) if listen_conninfo else dsn,
                poll_interval=poll_interval,
                broker_middlewares=middlewares,
                broker_parser=parser,
                broker_decoder=decoder,
                broker_codec=codec,
                logger=make_pgmq_logger_state(logger=logger, log_level=log_level),
                fd_config=FastDependsConfig(
                    use_fastdepends=apply_types,
                    serializer=serializer,
                    provider=provider or dependency_provider,
                    context=context or ContextRepo(),
                ),
                broker_dependencies=dependencies,
                graceful_timeout=graceful_timeout,
                ack_policy=ack_policy,
                id_generator=id_generator,
                extra_context={"broker": self},
            ),
            specification=BrokerSpec(
                description=description,
                url=_server_urls(specification_url, dsn),
                protocol=protocol,
                protocol_version=protocol_version,
                tags=tags,
                security=security,
            ),
        )

    @property
    def _own_config(self) -> PgmqBrokerConfig:
        return self.config.broker_config

    async def _connect(self) -> PostgresQueues:
        queues = PostgresQueues(self._dsn, self._own_config.listen_conninfo, self._pool_size)
        await queues.open()
        self._own_config.connect(queues)
        return queues

    async def start(self) -> None:
        """Connect, then start all subscribers.

        Raises:
            PgmqConnectionError: Postgres does not answer.
            QueueNotFoundError: a subscriber's queue does not exist.
        """
        queues = await self.connect()
        self.config.logger.log(f"connected to {describe(self._dsn)}", logging.INFO)
        if not queues.can_listen:
            where = describe(self._own_config.listen_conninfo)
            self.config.logger.log(NO_LISTENER.format(where=where), logging.WARNING)
        await super().start()

    async def stop(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> None:
        """Stop all subscribers at the same time, give back what they hold, and disconnect."""
        try:
            await super().stop(exc_type, exc_val, exc_tb)
        finally:
            if self._connection is not None:
                await self._connection.close()
                self._connection = None
            self._own_config.disconnect()

    async def ping(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - FastStream's
        """Return whether Postgres answers within `timeout` seconds (default 5)."""
        if self._connection is None:
            return False
        try:
            async with asyncio.timeout(timeout or 5.0):
                return await self._connection.ping()
        except (psycopg.Error, TimeoutError):
            return False

    async def publish(  # pyright: ignore[reportIncompatibleMethodOverride]  # as every broker does
        self,
        message: Any = None,
        queue: str = "",
        *,
        headers: dict[str, Any] | None = None,
        correlation_id: str | None = None,
        reply_to: str = "",
        delay: Delay = None,
        at: datetime | None = None,
        dedup_key: str | None = None,
        group: str | None = None,
        connection: CallersConnection | None = None,
    ) -> int | None:
        """Send one message.

        Args:
            message: Anything the serializer can turn into JSON, text, or bytes.
            queue: Where it goes.
            headers: JSON that travels beside the message.
            correlation_id: Generated if not given.
            reply_to: Queue for the handler's result.
            delay: Seconds, or a timedelta, until it becomes visible.
            at: Becomes visible at this moment, instead of after a delay; it knows its time zone,
                and the server's clock decides. What is past is visible at once.
            dedup_key: At most one waiting message has this key: a second one is merged into it.
            group: Whose message it is, for subscribers that read a queue by groups: in turn, in
                order, or at most so many of each. Stored in the header `group`.
            connection: Send inside the caller's transaction; nothing is sent if it rolls back. A
                psycopg `AsyncConnection` or `AsyncCursor`, or a SQLAlchemy `AsyncSession` or
                `AsyncConnection` over postgresql+psycopg or postgresql+asyncpg.

        Returns:
            The message's id, or None if it was merged into a waiting one.

        Raises:
            MessageTooLargeError: it is larger than `max_message_bytes`.
            UnsendableMessageError: Postgres cannot store it, or a header, as `jsonb`.
            QueueNotFoundError: there is no such queue.
            UnsupportedConnectionError: `connection` is something else.
            ValueError: no queue can have this name; `delay` and `at` are both given, or wrong.
        """
        wait, moment = due(delay, at)
        cmd = PgmqPublishCommand(
            message,
            queue=queue,
            headers=with_routing(headers, dedup_key, group),
            correlation_id=correlation_id or self.config.id_generator(),
            reply_to=reply_to,
            delay=wait,
            at=moment,
            connection=connection,
            _publish_type=PublishType.PUBLISH,
        )
        sent: int | None = await self._basic_publish(cmd, producer=self.config.producer)
        return sent

    async def publish_batch(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        *messages: Any,
        queue: str,
        headers: dict[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        correlation_id: str | None = None,
        reply_to: str = "",
        delay: Delay = None,
        at: datetime | None = None,
        group: str | None = None,
        connection: CallersConnection | None = None,
    ) -> list[int | None]:
        """Send any number of messages, all or none; return their ids in order.

        Up to 5,000 go with one statement, more with as many as it takes in one transaction.

        Args:
            headers: For all messages, or one for each; a `dedup_key` of its own goes there too.

        The other arguments and the errors are those of `publish`; an error names the message.
        """
        if not messages:
            return []
        wait, moment = due(delay, at)
        common, own = _split_headers(headers, len(messages))
        cmd = PgmqPublishCommand(
            *messages,
            queue=queue,
            headers=with_routing(common, None, group),
            per_message_headers=own,
            correlation_id=correlation_id or self.config.id_generator(),
            reply_to=reply_to,
            delay=wait,
            at=moment,
            connection=connection,
            _publish_type=PublishType.PUBLISH,
        )
        sent: list[int | None] = await self._basic_publish_batch(cmd, producer=self.config.producer)
        return sent

    async def pause_queue(self, queue: str, *, reason: str = "") -> bool:
        """Let no consumer, in any process, claim from a queue until `resume_queue`.

        What was claimed and not begun is given back, handlers that run may finish, and messages
        can still be sent. Not to be confused with the error `Pause`, which stops one subscriber.

        Returns:
            Whether it was not paused before; a new reason replaces the old one.

        Raises:
            QueueNotFoundError: there is no such queue.
        """
        return await self._own_config.queues.pause(queue, reason)

    async def resume_queue(self, queue: str) -> bool:
        """Let consumers claim again, and wake them; return whether the queue was paused."""
        return await self._own_config.queues.resume(queue)

    async def paused_queues(self) -> list[PausedQueue]:
        """Return the queues that are paused for all consumers, longest first."""
        return await self._own_config.queues.paused()

    def dead_letters(self, queue: str) -> DeadLetters:
        """Return the dead letters of a queue: to inspect, to put back, to discard."""
        return DeadLetters(self._dsn, queue)

    async def request(  # pyright: ignore[reportIncompatibleMethodOverride]  # as every broker does
        self,
        message: Any = None,
        queue: str = "",
        *,
        headers: dict[str, Any] | None = None,
        correlation_id: str | None = None,
        timeout: float | None = 30.0,  # noqa: ASYNC109 - FastStream's
        group: str | None = None,
    ) -> PgmqMessage:
        """Send a message, wait for what its handler returns, and return that.

        The answer is sent in the transaction that acknowledges the request. Nobody answers for a
        handler that failed for good, or for a batch handler. The first request opens one more
        connection, which is woken when an answer arrives.

        Args:
            timeout: Seconds until TimeoutError; None waits for ever. Too late an answer is dropped.

        Raises:
            TimeoutError: no answer in time; says queue and correlation id.
        """
        cmd = PgmqPublishCommand(
            message,
            queue=queue,
            headers=with_routing(headers, None, group),
            correlation_id=correlation_id or self.config.id_generator(),
            timeout=timeout,
            _publish_type=PublishType.REQUEST,
        )
        answer: PgmqMessage = await self._basic_request(cmd, producer=self.config.producer)
        return answer


def _server_urls(specification_url: str | None, dsn: str) -> list[str]:
    return [without_secrets(specification_url)] if specification_url else server_urls(dsn)


def _split_headers(
    headers: dict[str, Any] | Sequence[Mapping[str, Any]] | None, count: int
) -> tuple[dict[str, Any], Sequence[Mapping[str, Any]]]:
    if headers is None or isinstance(headers, dict):
        return headers or {}, ()
    if len(headers) != count:
        raise ValueError(f"{len(headers)} headers for {count} messages: give one for each")
    return {}, headers
