"""Where a handler's replies wait until its deliveries are acknowledged, in the same transaction."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from faststream_pgmq.delivery import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faststream_pgmq.delivery import Delivery, Outgoing
    from faststream_pgmq.storage import Queues


class Writer(Protocol):
    """Asked only when there is a reply: most handlers send none."""

    @property
    def queues(self) -> Queues: ...


@dataclass(slots=True)
class Outbox:
    """What one run of a handler leaves behind."""

    deliveries: Sequence[Delivery]
    """In the order in which the handler got them."""
    writer: Writer | None = None
    """Who will write it, and knows where."""
    replies: list[Reply] = field(default_factory=list)
    errors: dict[int, Exception] = field(default_factory=dict)
    """By index: what a batch handler said of its failed messages."""

    def causes(self, caused_by: Sequence[int] | None) -> list[Delivery]:
        """Return the deliveries a reply descends from: those named, or all that did not fail.

        Raises:
            IndexError: a reply names a message that the handler did not get.
        """
        if caused_by is not None:
            return [self.deliveries[index] for index in caused_by]
        return [one for index, one in enumerate(self.deliveries) if index not in self.errors]

    def put(self, outgoing: Outgoing, caused_by: Sequence[int] | None) -> None:
        causes = frozenset(one.msg_id for one in self.causes(caused_by))
        self.replies.append(Reply(outgoing, causes))


OUTBOX: Final[ContextVar[Outbox | None]] = ContextVar("faststream_pgmq_outbox", default=None)
"""The outbox of the handler that runs in this context."""


def outbox_at(queues: Queues) -> Outbox | None:
    """Return the running handler's outbox if it is written where these queues are.

    What goes to another database cannot be sent in the transaction that acknowledges.
    """
    outbox = OUTBOX.get()
    if outbox is None or outbox.writer is None:
        return None
    return outbox if outbox.writer.queues.place == queues.place else None
