"""The spans of one call of a handler.

Every message has a span in its *own* trace, and one more in each further trace it descends from
(`tracelinks`). If that makes more than one, the handler runs in a batch span with a trace of its
own, linked to all of them, and `message_span` shows each step of the work in all of them.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer

from faststream_pgmq.delivery import GROUP, TRACEPARENT
from faststream_pgmq.opentelemetry.propagation import as_text, context_of, find_links, find_parent

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from opentelemetry.trace import SpanContext
    from opentelemetry.util.types import AttributeValue

    from faststream_pgmq.delivery import Delivery

SYSTEM: Final = "pgmq"
MESSAGE_GROUP: Final = "messaging.pgmq.message.group"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def nanoseconds(moment: datetime) -> int:
    """Return a moment as OpenTelemetry counts it."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def messaging(queue: str, operation: str, kind: str) -> dict[str, AttributeValue]:
    """Return the attributes that every messaging span has."""
    return {
        "messaging.system": SYSTEM,
        "messaging.destination.name": queue,
        "messaging.operation.name": operation,
        "messaging.operation.type": kind,
    }


def group_of(headers: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Return a message's group as an attribute, if it has one."""
    group = headers.get(GROUP)
    return {MESSAGE_GROUP: group} if isinstance(group, str) else {}


def set_error(span: Span, error: BaseException) -> None:
    """Mark a span as failed; an error's text may hold content, so only its class is told."""
    name = type(error).__name__
    span.set_attribute("error.type", name)
    span.set_status(Status(StatusCode.ERROR, name))


class DeliverySpans:
    """The process spans of some deliveries, and the span the handler runs in."""

    def __init__(self, tracer: Tracer, deliveries: Sequence[Delivery]) -> None:
        self.tracer = tracer
        self._deliveries = deliveries
        self._by_delivery = [_open(tracer, delivery) for delivery in deliveries]
        self.all = [span for spans in self._by_delivery for span in spans]
        self.is_many = len(self.all) > 1
        self.current = self._open_batch() if self.is_many else self.all[0]

    def _open_batch(self) -> Span:
        queue = self._deliveries[0].queue
        return self.tracer.start_span(
            f"process {queue} batch",
            context=Context(),
            kind=SpanKind.CONSUMER,
            attributes={
                **messaging(queue, "process", "process"),
                "messaging.batch.message_count": len(self._deliveries),
            },
            links=[Link(span.get_span_context()) for span in self.all],
        )

    def origins(self, deliveries: Sequence[Delivery]) -> list[Span]:
        """Return the process spans of these deliveries, the first one's own first."""
        wanted = {id(one) for one in deliveries}
        pairs = zip(self._deliveries, self._by_delivery, strict=True)
        return [span for one, spans in pairs if id(one) in wanted for span in spans]

    def fail(self, error: BaseException) -> None:
        """Mark all as failed."""
        for span in self._every():
            set_error(span, error)

    def fail_some(self, errors: Mapping[int, Exception]) -> None:
        """Mark those as failed that a batch handler named."""
        for index, error in errors.items():
            for span in self._by_delivery[index]:
                set_error(span, error)
        if errors:
            self.current.set_attribute("messaging.pgmq.batch.failed_count", len(errors))

    def _every(self) -> list[Span]:
        return [*self.all, self.current] if self.is_many else self.all

    def end(self) -> None:
        for span in self._every():
            span.end()

    @contextmanager
    def active(self) -> Generator[None]:
        """Make them those of the running handler."""
        token = ACTIVE.set(self)
        try:
            with trace.use_span(
                self.current,
                end_on_exit=False,
                record_exception=False,
                set_status_on_exception=False,
            ):
                yield
        finally:
            ACTIVE.reset(token)


ACTIVE: Final[ContextVar[DeliverySpans | None]] = ContextVar(
    "faststream_pgmq_delivery_spans", default=None
)


def _open(tracer: Tracer, delivery: Delivery) -> list[Span]:
    own = find_parent({**delivery.headers, **delivery.patch})
    if delivery.runs <= 1 and delivery.attempts == delivery.released == 0:
        waited = _record_wait(tracer, delivery, own)
        own = own or _begin_trace(delivery, waited)
    parents = [own or Context(), *find_links(delivery.headers)]
    return [_open_process(tracer, delivery, parent) for parent in parents]


def _record_wait(tracer: Tracer, delivery: Delivery, parent: Context | None) -> Span:
    span = tracer.start_span(
        f"queue {delivery.queue}",
        context=parent or Context(),
        attributes={
            **messaging(delivery.queue, "queue", "receive"),
            "messaging.message.id": str(delivery.msg_id),
            **group_of(delivery.headers),
        },
        start_time=nanoseconds(delivery.enqueued_at),
    )
    span.end(nanoseconds(delivery.claimed_at))
    return span


def _begin_trace(delivery: Delivery, waited: Span) -> Context | None:
    # Sent by plain SQL: its trace starts when it was enqueued, and a retry must stay in it.
    if not waited.get_span_context().is_valid:
        return None
    delivery.patch[TRACEPARENT] = as_text(waited.get_span_context())
    return context_of(waited)


def _open_process(tracer: Tracer, delivery: Delivery, parent: Context) -> Span:
    attributes: dict[str, AttributeValue] = {
        **messaging(delivery.queue, "process", "process"),
        "messaging.message.id": str(delivery.msg_id),
        "messaging.pgmq.message.attempt": delivery.attempts + 1,
        "messaging.pgmq.message.delivery": delivery.read_ct,
        **group_of(delivery.headers),
    }
    conversation = delivery.headers.get("correlation_id")
    if isinstance(conversation, str):
        attributes["messaging.message.conversation_id"] = conversation
    return tracer.start_span(
        f"process {delivery.queue}", context=parent, kind=SpanKind.CONSUMER, attributes=attributes
    )


@contextmanager
def message_span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, AttributeValue] | None = None,
) -> Generator[Span]:
    """Make a span for a step of the work, visible in the trace of every message it serves.

    Outside of a batch this is a span like any other.
    """
    spans = ACTIVE.get()
    tracer = trace.get_tracer("faststream_pgmq") if spans is None else spans.tracer
    started = time.time_ns()
    given = dict(attributes or {})
    with tracer.start_as_current_span(
        name,
        kind=kind,
        attributes=given,
        start_time=started,
        record_exception=False,
        set_status_on_exception=False,
        end_on_exit=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            set_error(span, error)
            raise
        finally:
            ended = time.time_ns()
            span.end(ended)
            if spans is not None and spans.is_many:
                _mirror(spans, span, name, kind, given, started, ended)


def _mirror(
    spans: DeliverySpans,
    original: Span,
    name: str,
    kind: SpanKind,
    given: Mapping[str, AttributeValue],
    started: int,
    ended: int,
) -> None:
    recorded = cast("Any", original)
    attributes = getattr(recorded, "attributes", None) or given
    status = getattr(recorded, "status", None)
    links: list[Link] = [Link(original.get_span_context())]
    for process in spans.all:
        if not process.is_recording():
            continue
        copy = spans.tracer.start_span(
            name,
            context=context_of(process),
            kind=kind,
            attributes=attributes,
            links=links,
            start_time=started,
        )
        if status is not None and not status.is_unset:
            copy.set_status(status)
        copy.end(ended)


def contexts(spans: Sequence[Span]) -> list[SpanContext]:
    """Return what identifies these spans to others."""
    return [span.get_span_context() for span in spans]
