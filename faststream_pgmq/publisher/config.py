"""What a publisher is declared with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from faststream._internal.configs import PublisherSpecificationConfig, PublisherUsecaseConfig

from faststream_pgmq.broker.config import PgmqBrokerConfig


@dataclass(kw_only=True)
class PgmqPublisherSpecificationConfig(PublisherSpecificationConfig):
    queue: str


@dataclass(kw_only=True)
class PgmqPublisherConfig(PublisherUsecaseConfig):
    _outer_config: PgmqBrokerConfig = field(  # pyright: ignore[reportIncompatibleVariableOverride]  # narrower, as in every broker
        default_factory=PgmqBrokerConfig
    )

    queue: str
    batch: bool | None
    headers: dict[str, Any] | None
