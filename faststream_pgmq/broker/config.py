"""What all endpoints of a broker share."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

from faststream._internal.configs import BrokerConfig
from faststream._internal.parser import DefaultCodec
from faststream.exceptions import IncorrectState

from faststream_pgmq.publisher.producer import PgmqProducer
from faststream_pgmq.storage import Queues

TRYING: Final[ContextVar[Queues | None]] = ContextVar("faststream_pgmq_trying", default=None)
"""The queues in memory that a test of a running broker uses, in its own tasks only."""


@dataclass(kw_only=True)
class PgmqBrokerConfig(BrokerConfig):
    producer: PgmqProducer = field(  # pyright: ignore[reportIncompatibleVariableOverride]  # narrower, as in every broker
        default_factory=PgmqProducer
    )
    listen_conninfo: str = field(default="", repr=False)
    poll_interval: float = 30.0
    _queues: Queues | None = field(default=None, init=False, repr=False)
    _tested: Queues | None = field(default=None, init=False, repr=False)
    _tested_everywhere: bool = field(default=True, init=False, repr=False)

    @property
    def queues(self) -> Queues:
        queues = self._tested if self.is_tested_here else self._queues
        if queues is None:
            raise IncorrectState("connect the broker first: `await broker.connect()`")
        return queues

    @property
    def is_tested_here(self) -> bool:
        """Return whether what runs here is a test in memory, and none of what really runs."""
        return self._tested is not None and (
            self._tested_everywhere or TRYING.get() is self._tested
        )

    def connect(self, queues: Queues) -> None:
        self._queues = queues
        self._connect_producer(queues)

    def disconnect(self) -> None:
        self._queues = None
        self.producer.disconnect()

    def begin_test(self, queues: Queues, *, everywhere: bool) -> None:
        """Use queues in memory until `end_test`; not everywhere if the broker really runs too.

        A page where a message is tried out does so in the middle of an application at work.
        """
        self._tested, self._tested_everywhere = queues, everywhere
        TRYING.set(queues)
        self._connect_producer(queues)

    def end_test(self) -> None:
        self._tested = None
        TRYING.set(None)

    def _connect_producer(self, queues: Queues) -> None:
        serializer = self.fd_config._serializer  # pyright: ignore[reportPrivateUsage]  # as every broker does
        self.producer.connect(queues, serializer, self.broker_codec or DefaultCodec())
