"""What FastStream's metrics ask of a message: its queue, its size, how many it stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from faststream.prometheus import ConsumeAttrs, MetricsSettingsProvider

from faststream_pgmq.replying import display_name
from faststream_pgmq.response import PgmqPublishCommand

if TYPE_CHECKING:
    from faststream.message import StreamMessage

    from faststream_pgmq.delivery import Delivery

MESSAGING_SYSTEM: Final = "pgmq"


class PgmqMetricsSettingsProvider(MetricsSettingsProvider[Any, PgmqPublishCommand]):
    """Of one delivery."""

    __slots__ = ("messaging_system",)

    def __init__(self) -> None:
        self.messaging_system = MESSAGING_SYSTEM

    def get_consume_attrs_from_message(self, msg: StreamMessage[Any]) -> ConsumeAttrs:
        return {
            "destination_name": msg.raw_message.queue,
            "message_size": len(msg.body),
            "messages_count": 1,
        }

    def get_publish_destination_name_from_cmd(self, cmd: PgmqPublishCommand) -> str:
        return display_name(cmd.destination)


class BatchPgmqMetricsSettingsProvider(PgmqMetricsSettingsProvider):
    """Of all deliveries of one call; the size is that of all bodies."""

    __slots__ = ()

    def get_consume_attrs_from_message(self, msg: StreamMessage[Any]) -> ConsumeAttrs:
        deliveries: tuple[Delivery, ...] = msg.raw_message
        return {
            "destination_name": deliveries[0].queue,
            "message_size": sum(len(delivery.text.encode()) for delivery in deliveries),
            "messages_count": len(deliveries),
        }


def settings_provider_factory(
    msg: Delivery | tuple[Delivery, ...] | None,
) -> PgmqMetricsSettingsProvider:
    """Return what fits a raw message; None is a message that is about to be published."""
    if isinstance(msg, tuple):
        return BatchPgmqMetricsSettingsProvider()
    return PgmqMetricsSettingsProvider()
