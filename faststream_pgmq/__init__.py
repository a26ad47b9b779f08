"""A FastStream broker over pgmq, the Postgres message queue."""

from faststream_pgmq.broker.broker import PgmqBroker
from faststream_pgmq.broker.router import PgmqRoute, PgmqRoutePublisher, PgmqRouter
from faststream_pgmq.dead_letters import DeadLetters
from faststream_pgmq.errors import (
    BatchError,
    DeadLetter,
    InvalidMessageError,
    LetterNotFoundError,
    MessageTooLargeError,
    OutdatedInstallError,
    Pause,
    PgmqConnectionError,
    PgmqError,
    QueueNotFoundError,
    QueueWithoutGroupsError,
    Retry,
    UnsendableMessageError,
    UnsupportedConnectionError,
)
from faststream_pgmq.installation import create_queue, install, install_sql
from faststream_pgmq.letters import Letter, LetterFilter
from faststream_pgmq.message import PgmqBatchMessage, PgmqMessage
from faststream_pgmq.pausing import PausedQueue, pause_queue, paused_queues, resume_queue
from faststream_pgmq.response import PgmqResponse
from faststream_pgmq.retry import RetryPolicy
from faststream_pgmq.testing import TestPgmqBroker

__all__ = (
    "BatchError",
    "DeadLetter",
    "DeadLetters",
    "InvalidMessageError",
    "Letter",
    "LetterFilter",
    "LetterNotFoundError",
    "MessageTooLargeError",
    "OutdatedInstallError",
    "Pause",
    "PausedQueue",
    "PgmqBatchMessage",
    "PgmqBroker",
    "PgmqConnectionError",
    "PgmqError",
    "PgmqMessage",
    "PgmqResponse",
    "PgmqRoute",
    "PgmqRoutePublisher",
    "PgmqRouter",
    "QueueNotFoundError",
    "QueueWithoutGroupsError",
    "Retry",
    "RetryPolicy",
    "TestPgmqBroker",
    "UnsendableMessageError",
    "UnsupportedConnectionError",
    "create_queue",
    "install",
    "install_sql",
    "pause_queue",
    "paused_queues",
    "resume_queue",
)
