"""Builds publishers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faststream_pgmq.installation import check_queue_name
from faststream_pgmq.publisher.config import PgmqPublisherConfig, PgmqPublisherSpecificationConfig
from faststream_pgmq.publisher.specification import PgmqPublisherSpecification
from faststream_pgmq.publisher.usecase import PgmqPublisher

if TYPE_CHECKING:
    from faststream_pgmq.broker.config import PgmqBrokerConfig


def create_publisher(
    *,
    queue: str,
    batch: bool | None,
    headers: dict[str, Any] | None,
    config: PgmqBrokerConfig,
    schema_: Any | None,
    title_: str | None,
    description_: str | None,
    include_in_schema: bool,
) -> PgmqPublisher:
    """Return a publisher.

    Raises:
        ValueError: no queue can have this name.
    """
    check_queue_name(queue)
    specification = PgmqPublisherSpecification(
        _outer_config=config,
        specification_config=PgmqPublisherSpecificationConfig(
            queue=queue,
            schema_=schema_,
            title_=title_,
            description_=description_,
            include_in_schema=include_in_schema,
        ),
    )
    own = PgmqPublisherConfig(queue=queue, batch=batch, headers=headers, _outer_config=config)
    return PgmqPublisher(own, specification)
