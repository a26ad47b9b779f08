"""Publishers: as an object anywhere, as a decorator for what a handler returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast, get_args, get_type_hints

from faststream._internal.endpoint.publisher import PublisherUsecase
from faststream._internal.types import P_HandlerParams, T_HandlerReturn
from faststream.response import PublishCommand, PublishType, Response

from faststream_pgmq.handler import PgmqHandler
from faststream_pgmq.outbox import outbox_at
from faststream_pgmq.response import Delay, PgmqPublishCommand, PgmqResponse, due, with_routing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from faststream._internal.endpoint.call_wrapper import HandlerCallWrapper
    from faststream._internal.endpoint.publisher import PublisherSpecification
    from faststream._internal.types import PublisherMiddleware

    from faststream_pgmq.broker.config import PgmqBrokerConfig
    from faststream_pgmq.message import PgmqMessage
    from faststream_pgmq.publisher.config import PgmqPublisherConfig
    from faststream_pgmq.sending import CallersConnection


class PgmqPublisher(PublisherUsecase):
    """Sends to one queue.

    As a decorator it sends what the handler returns in the transaction that acknowledges the
    delivery, or before it if it goes to another broker's database. An object or a `PgmqResponse`
    is one message, None is none. A list is one message for each item with `batch=True`, or if it
    holds `PgmqResponse`s; else it is one message.
    """

    _call_wrapper_class = PgmqHandler
    _outer_config: PgmqBrokerConfig

    def __init__(
        self, config: PgmqPublisherConfig, specification: PublisherSpecification[Any, Any]
    ) -> None:
        super().__init__(config, specification)
        self._queue = config.queue
        self._batch = config.batch
        self.headers = config.headers or {}

    @property
    def queue(self) -> str:
        return f"{self._outer_config.prefix}{self._queue}"

    def __call__(
        self, func: Callable[P_HandlerParams, T_HandlerReturn]
    ) -> HandlerCallWrapper[P_HandlerParams, T_HandlerReturn]:
        handler = super().__call__(func)
        if self._batch is None and _returns_responses(func):
            self._batch = True
        return handler

    async def publish(  # pyright: ignore[reportIncompatibleMethodOverride]  # as every broker does
        self,
        message: Any,
        queue: str = "",
        *,
        headers: dict[str, Any] | None = None,
        correlation_id: str | None = None,
        delay: Delay = None,
        at: datetime | None = None,
        dedup_key: str | None = None,
        group: str | None = None,
        connection: CallersConnection | None = None,
    ) -> int | None:
        """Send now; see `PgmqBroker.publish`."""
        wait, moment = due(delay, at)
        cmd = PgmqPublishCommand(
            message,
            queue=queue or self.queue,
            headers=with_routing({**self.headers, **(headers or {})}, dedup_key, group),
            correlation_id=correlation_id or self._outer_config.id_generator(),
            delay=wait,
            at=moment,
            connection=connection,
            _publish_type=PublishType.PUBLISH,
        )
        producer = self._outer_config.producer
        sent: int | None = await self._basic_publish(cmd, producer=producer, _extra_middlewares=())
        return sent

    async def request(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        message: Any = None,
        queue: str = "",
        *,
        headers: dict[str, Any] | None = None,
        correlation_id: str | None = None,
        timeout: float | None = 30.0,  # noqa: ASYNC109 - FastStream's
        group: str | None = None,
    ) -> PgmqMessage:
        """Send now and wait for the answer; see `PgmqBroker.request`."""
        cmd = PgmqPublishCommand(
            message,
            queue=queue or self.queue,
            headers=with_routing({**self.headers, **(headers or {})}, None, group),
            correlation_id=correlation_id or self._outer_config.id_generator(),
            timeout=timeout,
            _publish_type=PublishType.REQUEST,
        )
        producer = self._outer_config.producer
        answer: PgmqMessage = await self._basic_request(cmd, producer=producer)
        return answer

    async def _publish(
        self, cmd: PublishCommand, *, _extra_middlewares: Iterable[PublisherMiddleware]
    ) -> None:
        # Called with what a handler returned.
        middlewares = tuple(_extra_middlewares)
        for command in self._commands(cmd):
            command.destination = command.destination or self.queue
            command.add_headers(self.headers, override=False)
            command.outbox = outbox_at(self._outer_config.queues)
            await self._basic_publish(
                command, producer=self._outer_config.producer, _extra_middlewares=middlewares
            )

    def _commands(self, cmd: PublishCommand) -> Sequence[PgmqPublishCommand]:
        if isinstance(cmd, PgmqPublishCommand):
            return [cmd]
        if cmd.body is None:
            return []
        items = _items(cmd.body)
        if items is not None and (self._batch or _are_responses(items)):
            return [_command(item, cmd) for item in items]
        return [PgmqPublishCommand.from_cmd(cmd)]


def _command(item: Any, whole: PublishCommand) -> PgmqPublishCommand:
    response = item if isinstance(item, Response) else PgmqResponse(item)
    command = PgmqPublishCommand.from_cmd(response.as_publish_command())
    command.correlation_id = command.correlation_id or whole.correlation_id
    return command


def _items(body: Any) -> Sequence[Any] | None:
    return cast("Sequence[Any]", body) if isinstance(body, (list, tuple)) else None


def _are_responses(items: Sequence[Any]) -> bool:
    return bool(items) and all(isinstance(item, Response) for item in items)


def _returns_responses(call: Callable[..., Any]) -> bool:
    # An empty list says nothing of its items, so the annotation decides.
    call = getattr(call, "_declared_call", call)
    try:
        returned = get_type_hints(call).get("return")
    except (NameError, TypeError):
        return "PgmqResponse]" in str(getattr(call, "__annotations__", {}).get("return"))
    return any(_is_response(one) for one in get_args(returned))


def _is_response(hint: Any) -> bool:
    if isinstance(hint, type) and issubclass(hint, Response):
        return True
    return any(_is_response(inner) for inner in get_args(hint))
