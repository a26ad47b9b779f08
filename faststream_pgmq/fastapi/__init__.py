"""FastAPI: a router whose handlers use FastAPI's own dependencies, started with the application."""

from __future__ import annotations

from typing import Annotated

from faststream._internal.fastapi.context import Context, ContextRepo, Logger

from faststream_pgmq.broker.broker import PgmqBroker as Broker
from faststream_pgmq.fastapi.router import PgmqRouter
from faststream_pgmq.message import PgmqBatchMessage as BatchMessage
from faststream_pgmq.message import PgmqMessage as Message

__all__ = (
    "Context",
    "ContextRepo",
    "Logger",
    "PgmqBatchMessage",
    "PgmqBroker",
    "PgmqMessage",
    "PgmqRouter",
)

PgmqMessage = Annotated[Message, Context("message")]
PgmqBatchMessage = Annotated[BatchMessage, Context("message")]
PgmqBroker = Annotated[Broker, Context("broker")]
