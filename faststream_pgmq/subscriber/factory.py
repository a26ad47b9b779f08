"""Builds subscribers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faststream._internal.endpoint.subscriber.call_item import CallsCollection

from faststream_pgmq.installation import check_queue_name
from faststream_pgmq.subscriber.config import (
    PgmqSubscriberConfig,
    PgmqSubscriberSpecificationConfig,
)
from faststream_pgmq.subscriber.specification import PgmqSubscriberSpecification
from faststream_pgmq.subscriber.usecase import PgmqSubscriber

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from faststream.middlewares import AckPolicy

    from faststream_pgmq.broker.config import PgmqBrokerConfig
    from faststream_pgmq.grouping import Grouping
    from faststream_pgmq.retention import Retention
    from faststream_pgmq.retry import RetryPolicy


def create_subscriber(
    *,
    queue: str,
    batch: bool,
    max_messages: int,
    max_workers: int,
    visibility_timeout: float,
    retry: RetryPolicy,
    pause_probe: Callable[[], Awaitable[None]] | None,
    archive: bool,
    grouping: Grouping | None,
    retention: Retention,
    ack_policy: AckPolicy,
    no_reply: bool,
    config: PgmqBrokerConfig,
    title_: str | None,
    description_: str | None,
    include_in_schema: bool,
) -> PgmqSubscriber:
    """Return a subscriber.

    Raises:
        ValueError: no queue can have this name, or a number is out of range.
    """
    check_queue_name(queue)
    if min(max_messages, max_workers) < 1 or visibility_timeout <= 0:
        raise ValueError("max_messages, max_workers and visibility_timeout must be positive")
    calls = CallsCollection[Any]()
    specification = PgmqSubscriberSpecification(
        config,
        PgmqSubscriberSpecificationConfig(
            queue=queue,
            title_=title_,
            description_=description_,
            include_in_schema=include_in_schema,
        ),
        calls,
    )
    own = PgmqSubscriberConfig(
        queue=queue,
        batch=batch,
        max_messages=max_messages,
        max_workers=max_workers,
        visibility_timeout=visibility_timeout,
        retry=retry,
        pause_probe=pause_probe,
        archive=archive,
        grouping=grouping,
        retention=retention,
        no_reply=no_reply,
        _outer_config=config,
        _ack_policy=ack_policy,
    )
    return PgmqSubscriber(own, specification, calls)
