"""W3C trace context in a message's headers. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from faststream_pgmq.delivery import MAX_TRACELINKS, TRACELINKS, TRACEPARENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.trace import Span, SpanContext

TRACESTATE: Final = "tracestate"
_PROPAGATOR: Final = TraceContextTextMapPropagator()


def context_of(span: Span) -> Context:
    """Return a context in which a new span is this one's child."""
    return trace.set_span_in_context(span, Context())


def find_parent(headers: Mapping[str, Any]) -> Context | None:
    """Return the context of a message's own trace, if it carries one."""
    carrier = {
        name: value
        for name in (TRACEPARENT, TRACESTATE)
        if isinstance(value := headers.get(name), str)
    }
    return _extract(carrier) if carrier else None


def find_links(headers: Mapping[str, Any]) -> list[Context]:
    """Return the contexts of the further traces a message descends from."""
    links = headers.get(TRACELINKS)
    texts: list[Any] = links[:MAX_TRACELINKS] if isinstance(links, list) else []  # pyright: ignore[reportUnknownVariableType]
    found = [_extract({TRACEPARENT: text}) for text in texts if isinstance(text, str)]
    return [context for context in found if context is not None]


def _extract(carrier: dict[str, str]) -> Context | None:
    context = _PROPAGATOR.extract(carrier, Context())
    return context if trace.get_current_span(context).get_span_context().is_valid else None


def carry(headers: dict[str, Any], span: Span, links: Sequence[SpanContext] = ()) -> None:
    """Write a span into headers as the parent of whoever reads them, and its further traces."""
    context = span.get_span_context()
    if context.is_valid:  # as the propagator writes it, which takes three times as long
        headers[TRACEPARENT] = as_text(context)
        if context.trace_state:
            headers[TRACESTATE] = context.trace_state.to_header()
    if links:
        texts = dict.fromkeys(as_text(link) for link in links)
        headers[TRACELINKS] = list(texts)[:MAX_TRACELINKS]


def as_text(span_context: SpanContext) -> str:
    """Return a span's `traceparent`."""
    return (
        f"00-{trace.format_trace_id(span_context.trace_id)}-"
        f"{trace.format_span_id(span_context.span_id)}-{span_context.trace_flags:02x}"
    )
