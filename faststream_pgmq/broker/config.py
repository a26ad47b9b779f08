"""What all endpoints of a broker share."""

from __future__ import annotations

from dataclasses import dataclass, field

from faststream._internal.configs import BrokerConfig
from faststream._internal.parser import DefaultCodec
from faststream.exceptions import IncorrectState

from faststream_pgmq.publisher.producer import PgmqProducer
from faststream_pgmq.storage import Queues


@dataclass(kw_only=True)
class PgmqBrokerConfig(BrokerConfig):
    producer: PgmqProducer = field(  # pyright: ignore[reportIncompatibleVariableOverride]  # narrower, as in every broker
        default_factory=PgmqProducer
    )
    listen_conninfo: str = field(default="", repr=False)
    poll_interval: float = 30.0
    _queues: Queues | None = field(default=None, init=False, repr=False)

    @property
    def queues(self) -> Queues:
        if self._queues is None:
            raise IncorrectState("connect the broker first: `await broker.connect()`")
        return self._queues

    def connect(self, queues: Queues) -> None:
        self._queues = queues
        serializer = self.fd_config._serializer  # pyright: ignore[reportPrivateUsage]  # as every broker does
        self.producer.connect(queues, serializer, self.broker_codec or DefaultCodec())

    def disconnect(self) -> None:
        self._queues = None
        self.producer.disconnect()
