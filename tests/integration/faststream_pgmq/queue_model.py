"""What a queue promises, in the simplest form: lists of messages, and no time but "due". Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from faststream_pgmq.delivery import Delivery

Seen = tuple[int, int, int, int, str | None, tuple[str, ...], bool]
"""One message: number, deliveries, attempts, released, dedup_key, traces merged into it, due."""


@dataclass(slots=True, eq=False)
class Message:
    """One message, wherever it is. `n` is its body, and no two have the same."""

    n: int
    key: str | None = None
    due: bool = True
    in_hand: bool = False
    """Claimed and not written back since; a lease that ran out is in no hand but due again."""
    read_ct: int = 0
    attempts: int = 0
    released: int = 0
    links: list[str] = field(default_factory=list[str])

    @property
    def group(self) -> str:
        return f"g{self.n % 3}"

    def seen(self) -> Seen:
        counts = (self.read_ct, self.attempts, self.released)
        return (self.n, *counts, self.key, tuple(self.links), self.due)


@dataclass(frozen=True, slots=True, repr=False)
class Lease:
    """One delivery, as the model and as each of the two implementations knows it."""

    message: Message
    read_ct: int
    attempts: int
    released: int
    deliveries: tuple[Delivery, ...]

    def __repr__(self) -> str:
        return f"<delivery {self.read_ct} of message {self.message.n}>"


def trace_of(n: int) -> str:
    """Return the traceparent with which message `n` is sent."""
    return f"00-{n:032x}-{1:016x}-01"


class QueueModel:
    """A queue with its archive and dead letters."""

    def __init__(self) -> None:
        self.queue: list[Message] = []
        self.archive: list[Message] = []
        self.dead: list[Message] = []
        self.deleted: set[int] = set()
        self.merged: set[int] = set()
        self.replies: list[int] = []
        self.sent = 0

    def new(self, key: str | None, *, due: bool) -> Message:
        self.sent += 1
        return Message(self.sent, key, due)

    def put(self, message: Message, *, hastens: bool) -> bool:
        """Put into the queue; return False if it was merged into a waiting message."""
        waiting = self._find_waiting(message.key)
        if waiting is None:
            self.queue.append(message)
            return True
        waiting.due = waiting.due or (hastens and message.due)
        waiting.links += [trace_of(message.n), *message.links]
        self.merged.add(message.n)
        return False

    def claim(self, limit: int, first: Message | None = None) -> list[Message]:
        begin = 0 if first is None else self.queue.index(first)
        return self._take([one for one in self.queue[begin:] if one.due][:limit])

    def claim_heads(self) -> list[Message]:
        """Claim the first message of each group that nobody has a message of."""
        heads: dict[str, Message] = {}
        for message in self.queue:
            heads.setdefault(message.group, message)
        busy = {one.group for one in self.queue if one.in_hand and not one.due}
        return self._take([one for one in heads.values() if one.due and one.group not in busy])

    def _take(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            message.read_ct += 1
            message.due, message.in_hand = False, True
        return messages

    def holds(self, lease: Lease) -> bool:
        return lease.message in self.queue and lease.message.read_ct == lease.read_ct

    def finish(self, message: Message, *, archive: bool) -> None:
        self.queue.remove(message)
        if archive:
            self.archive.append(message)
        else:
            self.deleted.add(message.n)

    def retry(self, lease: Lease, *, due: bool) -> None:
        # Counted from what the lease says: who cannot know whether it was written writes again.
        lease.message.attempts = lease.attempts + 1
        lease.message.due, lease.message.in_hand = due, False

    def give_back(self, lease: Lease) -> None:
        lease.message.released = lease.released + 1
        lease.message.due, lease.message.in_hand = True, False

    def bury(self, leases: Sequence[Lease]) -> None:
        for lease in sorted(leases, key=lambda one: self.queue.index(one.message)):
            self.queue.remove(lease.message)
            lease.message.attempts = lease.attempts + 1
            lease.message.due = True
            self.dead.append(lease.message)

    def redrive(self, messages: Sequence[Message]) -> None:
        plain = [one for one in self.dead if one in messages and one.key is None]
        keyed = [one for one in self.dead if one in messages and one.key is not None]
        for letter in [*plain, *sorted(keyed, key=lambda one: one.key or "")]:
            self.dead.remove(letter)
            # A new row: whoever still has a lease on the former one has none on this.
            fresh = Message(letter.n, letter.key, links=list(letter.links))
            self.put(fresh, hastens=False)

    def _find_waiting(self, key: str | None) -> Message | None:
        waiting = (one for one in self.queue if one.read_ct == 0 and one.key == key)
        return None if key is None else next(waiting, None)
