"""FastStream's own telemetry over this broker: its spans, metrics and baggage.

For who wants the same names as with other brokers. `PgmqTelemetryMiddleware` knows more of a queue:
the time a message waits, a batch's messages one by one, and attempts. Use one of the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from faststream.opentelemetry import TelemetrySettingsProvider
from faststream.opentelemetry.consts import MESSAGING_DESTINATION_PUBLISH_NAME
from faststream.opentelemetry.middleware import TelemetryMiddleware

from faststream_pgmq.replying import display_name
from faststream_pgmq.response import PgmqPublishCommand

if TYPE_CHECKING:
    from faststream.message import StreamMessage
    from opentelemetry.metrics import Meter, MeterProvider
    from opentelemetry.trace import TracerProvider

    from faststream_pgmq.delivery import Delivery

MESSAGING_SYSTEM: Final = "pgmq"
PAYLOAD_SIZE: Final = "messaging.message.payload_size_bytes"
"""As FastStream's middleware names it; newer conventions say `messaging.message.body.size`."""


class PgmqTelemetrySettingsProvider(TelemetrySettingsProvider[Any, PgmqPublishCommand]):
    """What FastStream's spans and metrics say of one message."""

    __slots__ = ("messaging_system",)

    def __init__(self) -> None:
        self.messaging_system = MESSAGING_SYSTEM

    def get_consume_attrs_from_message(self, msg: StreamMessage[Any]) -> dict[str, Any]:
        return {
            "messaging.system": self.messaging_system,
            "messaging.message.id": msg.message_id,
            "messaging.message.conversation_id": msg.correlation_id,
            PAYLOAD_SIZE: len(msg.body),
            MESSAGING_DESTINATION_PUBLISH_NAME: self.get_consume_destination_name(msg),
        }

    def get_consume_destination_name(self, msg: StreamMessage[Any]) -> str:
        return str(msg.raw_message.queue)

    def get_publish_attrs_from_cmd(self, cmd: PgmqPublishCommand) -> dict[str, Any]:
        return {
            "messaging.system": self.messaging_system,
            "messaging.destination.name": display_name(cmd.destination),
            "messaging.message.conversation_id": cmd.correlation_id,
        }

    def get_publish_destination_name(self, cmd: PgmqPublishCommand) -> str:
        return display_name(cmd.destination)


class BatchPgmqTelemetrySettingsProvider(PgmqTelemetrySettingsProvider):
    """Of all messages of one call."""

    __slots__ = ()

    def get_consume_attrs_from_message(self, msg: StreamMessage[Any]) -> dict[str, Any]:
        deliveries: tuple[Delivery, ...] = msg.raw_message
        size = sum(len(delivery.text.encode()) for delivery in deliveries)
        return {
            **super().get_consume_attrs_from_message(msg),
            PAYLOAD_SIZE: size,
            "messaging.batch.message_count": len(deliveries),
        }

    def get_consume_destination_name(self, msg: StreamMessage[Any]) -> str:
        return str(msg.raw_message[0].queue)


def settings_provider_factory(msg: Any | None) -> PgmqTelemetrySettingsProvider:
    """Return what fits a raw message; None is a message that is about to be published."""
    if isinstance(msg, tuple):
        return BatchPgmqTelemetrySettingsProvider()
    return PgmqTelemetrySettingsProvider()


class FastStreamTelemetryMiddleware(TelemetryMiddleware[PgmqPublishCommand]):
    """FastStream's telemetry, as with its other brokers.

    Args:
        tracer_provider: the global one by default.
        meter_provider: the global one by default.
        meter: instead of a provider.
        include_messages_counters: count messages, not only time them.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        meter: Meter | None = None,
        include_messages_counters: bool = True,
    ) -> None:
        super().__init__(
            settings_provider_factory=settings_provider_factory,
            tracer_provider=tracer_provider,
            meter_provider=meter_provider,
            meter=meter,
            include_messages_counters=include_messages_counters,
        )
