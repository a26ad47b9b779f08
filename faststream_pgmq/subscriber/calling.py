"""FastStream's processing of a message, without the parts that a plain subscriber does not use."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from faststream._internal.endpoint.subscriber import SubscriberUsecase
from faststream.exceptions import SubscriberNotFound
from faststream.middlewares.logging import CriticalLogMiddleware
from faststream.response.utils import ensure_response

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from faststream._internal.context.repository import ContextScope
    from faststream._internal.endpoint.publisher import PublisherProto
    from faststream._internal.endpoint.subscriber.call_item import HandlerItem
    from faststream._internal.types import PublisherMiddleware
    from faststream.message import StreamMessage
    from faststream.response import Response


WORKS_FOR: Final[ContextVar[DirectSubscriber | None]] = ContextVar("works_for", default=None)
"""The subscriber whose worker runs in this context."""


class DirectSubscriber(SubscriberUsecase[Any]):
    """Runs the only handler of a subscriber without middlewares by plain calls.

    FastStream prepares for any number of both with two exit stacks and a lock for each message: a
    quarter of its time. The steps and their order are the same here.
    """

    async def process_message(self, msg: Any) -> Response:
        """Parse, decode, call the handler, publish what it returns."""
        if WORKS_FOR.get() is not self:
            return await super().process_message(msg)
        return await self._process_alone(msg, self.calls[0])

    @contextmanager
    def working(self) -> Generator[None]:
        """Say once for many messages what is the same for each of them."""
        if len(self.calls) != 1 or self._broker_middlewares:
            yield
            return
        outer = self._outer_config
        names = (
            ("handler_", self),
            ("logger", outer.logger.logger.logger),
            *outer.extra_context.items(),
        )
        token = WORKS_FOR.set(self)
        try:
            with outer.context.scopes(names):
                yield
        finally:
            WORKS_FOR.reset(token)

    async def _process_alone(self, msg: Any, item: HandlerItem[Any]) -> Response:
        context = self._outer_config.context
        log = CriticalLogMiddleware(self._outer_config.logger)(msg, context=context)
        scope: ContextScope | None = None
        try:
            async with log:
                message = await item.is_suitable(msg, {})
                if message is None:
                    raise SubscriberNotFound(f"There is no suitable handler for {msg=}")
                # Left after the log's last word, which names the message.
                scope = context.scopes(
                    (("log_context", self.get_log_context(message)), ("message", message))
                )
                scope.__enter__()
                result = await item.call(message, _extra_middlewares=(log.consume_scope,))
                return await self._publish_result(message, result, item, log.publish_scope)
        finally:
            if scope is not None:
                scope.__exit__()
        return ensure_response(None)  # an error that a middleware has dealt with

    async def _publish_result(
        self,
        message: StreamMessage[Any],
        result: Any,
        item: HandlerItem[Any],
        publish_scope: PublisherMiddleware,
    ) -> Response:
        response = ensure_response(result)
        if not response.correlation_id:
            response.correlation_id = message.correlation_id
        for publisher in (*self._responders(message), *item.handler._publishers):  # pyright: ignore[reportPrivateUsage]  # as FastStream does
            await publisher._publish(  # pyright: ignore[reportPrivateUsage]
                response.as_publish_command(), _extra_middlewares=(publish_scope,)
            )
        return response

    def _responders(self, message: StreamMessage[Any]) -> Sequence[PublisherProto]:
        if not message.reply_to or self._no_reply:
            return ()
        return tuple(self._make_response_publisher(message))
