"""The errors of the broker, and those a handler raises to say what should happen. Pure.

PgmqError
├── PgmqConnectionError    Postgres does not answer; says where, never with a password
├── QueueNotFoundError     a subscriber's queue, or part of it, was never created
├── QueueWithoutGroupsError a subscriber by groups, and a queue that was not created for that
├── QueueWithoutKeysError  a queue in which no message can have a `dedup_key`
├── LetterNotFoundError    a dead letter that is not there, or not any more
├── PartitionsUnavailableError  a partitioned queue without pg_partman
├── OutdatedInstallError   the database has the SQL of an older version of this package
├── UnsupportedConnectionError  `connection=` is of no driver that the broker can send through
└── UnsendableMessageError a message that `jsonb` cannot hold; names the header, never the content
    └── MessageTooLargeError   a message beyond the broker's `max_message_bytes`
InvalidMessageError        a message that does not fit its handler: dead-lettered at once
InvalidBatchError          the same, for some messages of a batch
BatchError                 raised by a batch handler: which messages failed, and why

HandlerException (FastStream's; logged without a traceback)
├── Retry                  try this message again, after `delay` or the policy's backoff
├── DeadLetter             no retry can help
└── Pause                  something every message needs is down: stop fetching, probe, go on
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faststream.exceptions import HandlerException

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class PgmqError(Exception):
    """Parent of the broker's own errors."""


class PgmqConnectionError(PgmqError):
    """Postgres does not answer."""


class QueueNotFoundError(PgmqError):
    """A queue that has no table, or no dead letter queue."""

    def __init__(self, queue: str, missing: str) -> None:
        super().__init__(
            f"queue {queue!r} is not complete: there is no {missing}. Create it with "
            f"`await faststream_pgmq.create_queue(connection, {queue!r})` or, in SQL, "
            f"`SELECT faststream_pgmq.create_queue('{queue}')`."
        )
        self.queue = queue
        self.missing = missing


class QueueWithoutGroupsError(PgmqError):
    """A queue that was not created for reading by groups."""

    def __init__(self, queue: str, groups: str) -> None:
        super().__init__(
            f"queue {queue!r} cannot be read by groups as this subscriber does: it lacks an index. "
            f"Run `await faststream_pgmq.create_queue(connection, {queue!r}, groups={groups!r})` "
            f"or, in SQL, `SELECT faststream_pgmq.add_groups('{queue}', '{groups}')`."
        )
        self.queue = queue
        self.groups = groups


class QueueWithoutKeysError(PgmqError):
    """A queue in which no message can have a `dedup_key`."""

    def __init__(self, queue: str) -> None:
        super().__init__(
            f"queue {queue!r} takes no dedup_key: it has no index for it. "
            f"`SELECT faststream_pgmq.create_queue('{queue}')` adds one, but not to a queue of "
            "partitions, where keys cannot be unique."
        )
        self.queue = queue


class LetterNotFoundError(PgmqError, LookupError):
    """A dead letter that is not there, or not any more."""

    def __init__(self, queue: str, msg_id: int) -> None:
        super().__init__(f"queue {queue!r} has no dead letter {msg_id}, or not any more")
        self.queue = queue
        self.msg_id = msg_id


class OutdatedInstallError(PgmqError):
    """The database has the SQL of an older version of this package, or none."""

    def __init__(self, missing: str) -> None:
        super().__init__(
            f"this database has no {missing}: run `await faststream_pgmq.install(connection)`, "
            "or `faststream-pgmq install`, with this version of the package. It is safe to repeat."
        )
        self.missing = missing


class UnsupportedConnectionError(PgmqError, TypeError):
    """`connection=` is nothing that the broker can send through."""

    def __init__(self, given: str) -> None:
        super().__init__(
            f"connection: cannot send through {given}. Give a psycopg AsyncConnection or "
            "AsyncCursor, or a SQLAlchemy AsyncSession or AsyncConnection over postgresql+psycopg "
            "or postgresql+asyncpg; without `connection` the broker uses one of its own."
        )
        self.given = given


class PartitionsUnavailableError(PgmqError):
    """A partitioned queue in a database without pg_partman."""

    def __init__(self, queue: str) -> None:
        super().__init__(
            f"queue {queue!r} cannot be partitioned: this database has no pg_partman. Install its "
            "package on the server and run `CREATE EXTENSION pg_partman`, or use `create_queue`."
        )
        self.queue = queue


class UnsendableMessageError(PgmqError, ValueError):
    """A message that `jsonb` cannot hold; says what is wrong, never what the message says."""

    def __init__(self, problem: str, *, queue: str = "", index: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.queue = queue
        self.index = index
        """Where the message stands in its batch; None for a single one."""

    def __str__(self) -> str:
        which = "message" if self.index is None else f"message {self.index} of the batch"
        where = f" to queue {self.queue!r}" if self.queue else ""
        return f"{which}{where}: {self.problem}"


class MessageTooLargeError(UnsendableMessageError):
    """A message beyond the broker's `max_message_bytes`."""

    def __init__(self, size: int, limit: int, *, queue: str = "", index: int | None = None) -> None:
        super().__init__(
            f"{size:,} bytes of JSON, and the limit is {limit:,}. Store the content elsewhere and "
            "send where it is, or raise PgmqBroker(max_message_bytes=…).",
            queue=queue,
            index=index,
        )
        self.size = size
        self.limit = limit


class UnprintableError(PgmqError):
    """Stands for an error of a handler that raises another one when it is printed."""

    def __init__(self, error_class: str) -> None:
        super().__init__(f"{error_class}, whose text cannot be made")
        self.error_class = error_class


class InvalidMessageError(ValueError):
    """A message that does not fit its handler; names the field, never the content."""


class InvalidBatchError(InvalidMessageError):
    """Some messages of a batch do not fit the handler; `errors` is by index in the batch."""

    def __init__(self, errors: Mapping[int, InvalidMessageError]) -> None:
        first = next(iter(errors.values()))
        super().__init__(f"{len(errors)} invalid in this batch; the first: {first}")
        self.errors = dict(errors)


class BatchError(Exception):
    """Raised by a batch handler that knows which messages failed.

    The others are acknowledged, and `replies` are published as if they had been returned.

    Args:
        errors: by index in the list the handler was called with.
        replies: what a successful handler would have returned.
    """

    def __init__(self, errors: Mapping[int, Exception], replies: Sequence[Any] = ()) -> None:
        kinds = ", ".join(sorted({type(error).__name__ for error in errors.values()}))
        super().__init__(f"{len(errors)} messages of a batch failed: {kinds}")
        self.errors = dict(errors)
        self.replies = list(replies)


class Retry(HandlerException):
    """Try this message again; counts as an attempt."""

    def __init__(self, reason: str = "the handler asked for a retry", delay: float | None = None):
        super().__init__(reason)
        self.reason = reason
        self.delay = delay
        """Seconds; None means the policy's backoff."""

    def __str__(self) -> str:
        return self.reason


class DeadLetter(HandlerException):
    """Move this message to the dead letters now."""

    def __init__(self, reason: str = "the handler gave it up") -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class Pause(HandlerException):
    """Give back what is in hand, stop fetching and probe; no attempt is used up."""

    def __init__(self, reason: str = "the handler asked for a pause") -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason
