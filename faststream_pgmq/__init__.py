"""A FastStream broker over pgmq, the Postgres message queue."""

from importlib.metadata import version

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
    PartitionsUnavailableError,
    Pause,
    PgmqConnectionError,
    PgmqError,
    QueueNotFoundError,
    QueueWithoutGroupsError,
    QueueWithoutKeysError,
    Retry,
    UnsendableMessageError,
    UnsupportedConnectionError,
)
from faststream_pgmq.health import Health, QueueHealth, Snapshot, check_health
from faststream_pgmq.installation import (
    create_partitioned_queue,
    create_queue,
    install,
    install_sql,
)
from faststream_pgmq.letters import Letter, LetterFilter
from faststream_pgmq.message import PgmqBatchMessage, PgmqMessage
from faststream_pgmq.pausing import PausedQueue, pause_queue, paused_queues, resume_queue
from faststream_pgmq.progress import report_progress
from faststream_pgmq.response import PgmqResponse
from faststream_pgmq.retention import purge_archive, purge_dead_letters
from faststream_pgmq.retry import RetryPolicy
from faststream_pgmq.testing import TestPgmqBroker

__version__ = version("faststream-pgmq")

__all__ = (
    "BatchError",
    "DeadLetter",
    "DeadLetters",
    "Health",
    "InvalidMessageError",
    "Letter",
    "LetterFilter",
    "LetterNotFoundError",
    "MessageTooLargeError",
    "OutdatedInstallError",
    "PartitionsUnavailableError",
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
    "QueueHealth",
    "QueueNotFoundError",
    "QueueWithoutGroupsError",
    "QueueWithoutKeysError",
    "Retry",
    "RetryPolicy",
    "Snapshot",
    "TestPgmqBroker",
    "UnsendableMessageError",
    "UnsupportedConnectionError",
    "__version__",
    "check_health",
    "create_partitioned_queue",
    "create_queue",
    "install",
    "install_sql",
    "pause_queue",
    "paused_queues",
    "purge_archive",
    "purge_dead_letters",
    "report_progress",
    "resume_queue",
)
