"""The middleware that counts and times messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faststream._internal.constants import EMPTY
from faststream.prometheus.middleware import PrometheusMiddleware

from faststream_pgmq.prometheus.provider import settings_provider_factory
from faststream_pgmq.response import PgmqPublishCommand

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prometheus_client import CollectorRegistry


class PgmqPrometheusMiddleware(PrometheusMiddleware[Any, PgmqPublishCommand]):
    """FastStream's metrics with `broker="pgmq"` and `handler` the name of the queue.

    What a handler returns is counted as published when it is put beside the acknowledgement.

    Args:
        registry: where the metrics are registered; one middleware for each registry.
        app_name: label `app_name`; default: the prefix.
        metrics_prefix: first word of each metric's name.
        received_messages_size_buckets: upper bounds in bytes.
        custom_labels: further labels, or functions that take the raw message and return one.
    """

    def __init__(
        self,
        *,
        registry: CollectorRegistry,
        app_name: str = EMPTY,
        metrics_prefix: str = "faststream",
        received_messages_size_buckets: Sequence[float] | None = None,
        custom_labels: dict[str, str | Callable[[Any], str]] | None = None,
    ) -> None:
        super().__init__(
            settings_provider_factory=settings_provider_factory,
            registry=registry,
            app_name=app_name,
            metrics_prefix=metrics_prefix,
            received_messages_size_buckets=received_messages_size_buckets,
            custom_labels=custom_labels,
        )
