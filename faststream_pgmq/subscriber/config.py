"""What a subscriber is declared with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from faststream._internal.configs import SubscriberSpecificationConfig, SubscriberUsecaseConfig
from faststream._internal.constants import EMPTY
from faststream.middlewares import AckPolicy

from faststream_pgmq.broker.config import PgmqBrokerConfig
from faststream_pgmq.grouping import Grouping
from faststream_pgmq.retention import Retention
from faststream_pgmq.retry import RetryPolicy


@dataclass(kw_only=True)
class PgmqSubscriberSpecificationConfig(SubscriberSpecificationConfig):
    queue: str


@dataclass(kw_only=True)
class PgmqSubscriberConfig(SubscriberUsecaseConfig):
    _outer_config: PgmqBrokerConfig = field(  # pyright: ignore[reportIncompatibleVariableOverride]  # narrower, as in every broker
        default_factory=PgmqBrokerConfig
    )

    queue: str
    batch: bool
    max_messages: int
    max_workers: int
    visibility_timeout: float
    retry: RetryPolicy
    pause_probe: Callable[[], Awaitable[None]] | None
    archive: bool
    grouping: Grouping | None
    retention: Retention

    @property
    def ack_policy(self) -> AckPolicy:
        if self._ack_policy is not EMPTY:
            return self._ack_policy
        outer = self._outer_config.ack_policy
        return AckPolicy.NACK_ON_ERROR if outer is EMPTY else outer

    @property
    def auto_ack_disabled(self) -> bool:
        # Always: the subscriber acknowledges itself, together with the replies; FastStream's
        # middleware would do so one by one, and after the replies were sent.
        return True
