"""A subscriber's part of the AsyncAPI document."""

from __future__ import annotations

from faststream._internal.endpoint.subscriber import SubscriberSpecification
from faststream.specification.asyncapi.utils import resolve_payloads
from faststream.specification.schema import Message, Operation, SubscriberSpec

from faststream_pgmq.broker.config import PgmqBrokerConfig
from faststream_pgmq.subscriber.config import PgmqSubscriberSpecificationConfig


class PgmqSubscriberSpecification(
    SubscriberSpecification[PgmqBrokerConfig, PgmqSubscriberSpecificationConfig]
):
    """AsyncAPI knows no binding for Postgres, so the queue is the channel's address."""

    @property
    def address(self) -> str:
        return f"{self._outer_config.prefix}{self.config.queue}"

    @property
    def channel_labels(self) -> list[str]:
        return [self.address]

    def get_schema(self) -> dict[str, SubscriberSpec]:
        payload = resolve_payloads(self.get_payloads())
        message = Message(title=f"{self.name}:Message", payload=payload)
        return {
            self.name: SubscriberSpec(
                address=self.address,
                description=self.description,
                operation=Operation(message=message, bindings=None),
                bindings=None,
            )
        }
