"""What a handler asks the context for by its annotation."""

from __future__ import annotations

from typing import Annotated

from faststream._internal.context import Context
from faststream.annotations import ContextRepo, Logger
from faststream.params import NoCast

from faststream_pgmq.broker.broker import PgmqBroker as Broker
from faststream_pgmq.message import PgmqBatchMessage as BatchMessage
from faststream_pgmq.message import PgmqMessage as Message

__all__ = ("ContextRepo", "Logger", "NoCast", "PgmqBatchMessage", "PgmqBroker", "PgmqMessage")

PgmqMessage = Annotated[Message, Context("message")]
PgmqBatchMessage = Annotated[BatchMessage, Context("message")]
PgmqBroker = Annotated[Broker, Context("broker")]
