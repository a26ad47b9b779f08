"""The middleware: spans around publishing and processing. Message content never enters one."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, cast

from faststream import BaseMiddleware
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from faststream_pgmq.errors import InvalidBatchError
from faststream_pgmq.opentelemetry.propagation import carry, context_of, find_parent
from faststream_pgmq.opentelemetry.spans import (
    ACTIVE,
    DeliverySpans,
    contexts,
    group_of,
    messaging,
    set_error,
)
from faststream_pgmq.outbox import OUTBOX
from faststream_pgmq.replying import display_name
from faststream_pgmq.response import PgmqPublishCommand

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from faststream._internal.context.repository import ContextRepo
    from faststream.message import StreamMessage
    from opentelemetry.trace import Span, Tracer, TracerProvider
    from opentelemetry.util.types import AttributeValue

    from faststream_pgmq.message import SettleableMessage


class PgmqTelemetryMiddleware:
    """Traces every message through its queues.

    Args:
        tracer_provider: the global one by default.
    """

    def __init__(self, *, tracer_provider: TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("faststream_pgmq", _version(), tracer_provider)

    def __call__(self, msg: Any | None, /, *, context: ContextRepo) -> _Telemetry:
        return _Telemetry(msg, context=context, tracer=self._tracer)


class _Telemetry(BaseMiddleware[PgmqPublishCommand, Any]):
    """One delivery, or one publishing."""

    def __init__(self, msg: Any | None, /, *, context: ContextRepo, tracer: Tracer) -> None:
        super().__init__(msg, context=context)
        self._tracer = tracer
        self._spans: DeliverySpans | None = None

    async def consume_scope(
        self, call_next: Callable[[Any], Awaitable[Any]], msg: StreamMessage[Any]
    ) -> Any:
        deliveries = cast("SettleableMessage", msg).deliveries
        self._spans = DeliverySpans(self._tracer, deliveries)
        # What FastStream's annotation CurrentSpan asks for.
        with self._spans.active(), self.context.scope("span", self._spans.current):
            result = await call_next(msg)
        if (outbox := OUTBOX.get()) is not None:
            self._spans.fail_some(outbox.errors)
        return result

    async def after_processed(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> bool | None:
        # Ended here and not after the handler: its replies are children of these spans.
        if self._spans is not None:
            if isinstance(exc_val, InvalidBatchError):
                # The others were not tried; they will be, without these.
                self._spans.fail_some(exc_val.errors)
            elif exc_val is not None:
                self._spans.fail(exc_val)
            self._spans.end()
        return False

    async def publish_scope(
        self, call_next: Callable[[PgmqPublishCommand], Awaitable[Any]], cmd: PgmqPublishCommand
    ) -> Any:
        origins, common = self._origins(cmd), _common_attributes(cmd)
        sends = [self._open_send(origins, common, headers) for headers in _headers_of(cmd)]
        try:
            sent = await call_next(cmd)
        except BaseException as error:
            for span in sends:
                set_error(span, error)
            raise
        else:
            _note_ids(sends, sent)
            return sent
        finally:
            for span in sends:
                span.end()

    def _origins(self, cmd: PgmqPublishCommand) -> list[Span]:
        """Return the process spans that this publishing continues, if it continues any."""
        if self._spans is not None and cmd.outbox is not None:
            return self._spans.origins(cmd.outbox.causes(cmd.caused_by))
        running = ACTIVE.get()
        # In a single delivery the current span, maybe a step of the handler, is the better parent.
        return running.all if running is not None and running.is_many else []

    def _open_send(
        self, origins: list[Span], common: dict[str, AttributeValue], headers: dict[str, Any]
    ) -> Span:
        span = self._tracer.start_span(
            f"send {common['messaging.destination.name']}",
            context=context_of(origins[0]) if origins else find_parent(headers),
            kind=SpanKind.PRODUCER,
            attributes={**common, **group_of(headers)},
        )
        carry(headers, span, contexts(origins[1:]))
        return span


def _common_attributes(cmd: PgmqPublishCommand) -> dict[str, AttributeValue]:
    """Return what the spans of all messages of one command say."""
    return {
        **messaging(display_name(cmd.destination), "send", "send"),
        "messaging.message.conversation_id": cmd.correlation_id or "",
        **group_of(cmd.headers),
    }


def _headers_of(cmd: PgmqPublishCommand) -> list[dict[str, Any]]:
    """Return the headers to write each message's trace into."""
    if not cmd.extra_bodies and not cmd.per_message_headers:
        return [cmd.headers]
    if not cmd.per_message_headers:
        cmd.per_message_headers = [{} for _ in cmd.all_bodies]
    return cmd.per_message_headers


def _note_ids(sends: list[Span], sent: Any) -> None:
    ids = sent if isinstance(sent, list) else [sent]  # pyright: ignore[reportUnknownVariableType]
    for span, msg_id in zip(sends, ids, strict=False):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        if isinstance(msg_id, int):
            span.set_attribute("messaging.message.id", str(msg_id))


def _version() -> str:
    try:
        return version("faststream-pgmq")
    except PackageNotFoundError:
        return "unknown"
