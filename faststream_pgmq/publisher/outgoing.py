"""A publish command's bodies and headers as messages that Postgres can store. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

from faststream_pgmq.delivery import DEDUP_KEY, Outgoing
from faststream_pgmq.encoding import to_jsonb, unencodable
from faststream_pgmq.errors import MessageTooLargeError, UnsendableMessageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faststream_pgmq.response import PgmqPublishCommand

MAX_MESSAGE_BYTES: Final = 1_048_576
"""A queue's table is read again and again: megabytes in it slow down everybody's messages."""


def make_outgoing(
    cmd: PgmqPublishCommand, encoded: tuple[bytes, str | None], own: Mapping[str, Any]
) -> Outgoing:
    """Return one message with its own headers and those of the command."""
    text, encoding = to_jsonb(*encoded)
    headers = {**cmd.headers, **own, **encoding}
    if cmd.correlation_id:
        headers.setdefault("correlation_id", cmd.correlation_id)
    if cmd.reply_to:
        headers["reply_to"] = cmd.reply_to
    # pgmq's tables are in lower case, and messages of one table are locked in one order.
    return Outgoing(cmd.destination.lower(), text, headers, cmd.delay, cmd.at)


def check_outgoing(outgoing: Outgoing, limit: int | None) -> None:
    """Raise UnsendableMessageError for what Postgres could not store, or should not."""
    headers = outgoing.encode_headers()
    if limit is None or 4 * (len(outgoing.text) + len(headers)) <= limit:
        return
    size = len(outgoing.text.encode()) + len(headers.encode())
    if size > limit:
        raise MessageTooLargeError(size, limit)


def has_dedup_keys(cmd: PgmqPublishCommand) -> bool:
    """Return whether any of the command's messages may be merged into another."""
    return DEDUP_KEY in cmd.headers or any(DEDUP_KEY in one for one in cmd.per_message_headers)


class placed:  # noqa: N801 - used like a function, and made for each message
    """Lets errors say which message they are about."""

    __slots__ = ("index", "queue")

    def __init__(self, queue: str, index: int | None = None) -> None:
        self.queue = queue
        self.index = index
        """May be counted up inside: one block for many messages costs less than one for each."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, UnsendableMessageError):
            error.queue, error.index = self.queue, self.index
        elif isinstance(error, TypeError | ValueError | RecursionError):
            # Whatever the serializer or a custom codec cannot do.
            problem = f"cannot be encoded: {unencodable(error)}"
            raise UnsendableMessageError(problem, queue=self.queue, index=self.index) from error
