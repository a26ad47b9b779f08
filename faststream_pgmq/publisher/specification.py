"""A publisher's part of the AsyncAPI document."""

from __future__ import annotations

from faststream._internal.endpoint.publisher import PublisherSpecification
from faststream.specification.asyncapi.utils import resolve_payloads
from faststream.specification.schema import Message, Operation, PublisherSpec

from faststream_pgmq.broker.config import PgmqBrokerConfig
from faststream_pgmq.publisher.config import PgmqPublisherSpecificationConfig


class PgmqPublisherSpecification(
    PublisherSpecification[PgmqBrokerConfig, PgmqPublisherSpecificationConfig]
):
    """AsyncAPI knows no binding for Postgres, so the queue is the channel's address."""

    @property
    def address(self) -> str:
        return f"{self._outer_config.prefix}{self.config.queue}"

    @property
    def name(self) -> str:
        return self.config.title_ or f"{self.address}:Publisher"

    def get_schema(self) -> dict[str, PublisherSpec]:
        payload = resolve_payloads(self.get_payloads(), "Publisher")
        message = Message(title=f"{self.name}:Message", payload=payload)
        return {
            self.name: PublisherSpec(
                address=self.address,
                description=self.config.description_,
                operation=Operation(message=message, bindings=None),
                bindings=None,
            )
        }
