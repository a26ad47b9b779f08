"""OpenTelemetry: each message's own trace, from its publisher to its effects."""

from faststream_pgmq.opentelemetry.middleware import PgmqTelemetryMiddleware
from faststream_pgmq.opentelemetry.spans import MESSAGE_GROUP, message_span

__all__ = ("MESSAGE_GROUP", "PgmqTelemetryMiddleware", "message_span")
