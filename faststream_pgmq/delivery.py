"""What is read from a queue, what is written to one, and how a delivery ends. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from faststream_pgmq.encoding import headers_to_jsonb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

T = TypeVar("T", float, "datetime")

ATTEMPTS: Final = "attempts"
"""Header: failures of the handler so far."""
RELEASED: Final = "released"
"""Header: how often the message was given back unprocessed (a stop, a pause)."""
LAST_ERROR: Final = "last_error"
DEAD_LETTER: Final = "dead_letter"
DEDUP_KEY: Final = "dedup_key"
GROUP: Final = "group"
TRACEPARENT: Final = "traceparent"
TRACELINKS: Final = "tracelinks"
"""Header: the traceparents of further traces a message descends from."""
MAX_TRACELINKS: Final = 128

STATEMENT_MESSAGES: Final = 5_000
STATEMENT_BYTES: Final = 8_000_000
"""Most that one statement sends: beyond it nothing gets faster, and the sender's memory grows."""

SUSPECT_AFTER_LOST: Final = 3
"""Lost deliveries after which a message is handled apart from its mates."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a handler says it is."""

    step: str
    done: int
    total: int
    """0 if nobody knows."""


@dataclass(slots=True, eq=False)
class Delivery:
    """One message as it was claimed; `(msg_id, read_ct)` is the lease."""

    queue: str
    msg_id: int
    read_ct: int
    enqueued_at: datetime
    claimed_at: datetime
    text: str
    """The message as JSON text."""
    headers: dict[str, Any]
    runs: int = 0
    """How often this delivery was shown to the handler: a batch is split to find a culprit."""
    settled: bool = False
    """The handler itself has acknowledged, retried or rejected it."""
    ended: bool = False
    """Its end was handed to the writer."""
    progress: Progress | None = None
    """What its handler reported last."""
    patch: dict[str, Any] = field(default_factory=dict)
    """Headers to add when the message is written back."""

    @property
    def attempts(self) -> int:
        """Failures of the handler before this delivery."""
        return _count(self.headers.get(ATTEMPTS))

    @property
    def released(self) -> int:
        """How often the message was given back before this delivery."""
        return _count(self.headers.get(RELEASED))

    @property
    def lost(self) -> int:
        """Deliveries before this one that nobody ended."""
        if self.read_ct <= 1:
            return 0
        return max(0, self.read_ct - 1 - self.attempts - self.released)

    @property
    def is_suspect(self) -> bool:
        """Return whether it may be the one that kills its workers."""
        return self.read_ct > SUSPECT_AFTER_LOST and self.lost >= SUSPECT_AFTER_LOST


def _count(value: object) -> int:
    # Anybody may write headers: what is no count counts as none.
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


@dataclass(frozen=True, slots=True)
class Claimed:
    """The answer of one read."""

    deliveries: list[Delivery]
    next_due: float | None = None
    """Seconds until the next hidden message is due; only known when nothing was."""
    paused: str | None = None
    """Why nobody may claim from this queue now; None when everybody may."""


@dataclass(slots=True)
class Outgoing:
    """One message to send."""

    queue: str
    text: str
    headers: dict[str, Any]
    delay: float | None = 0.0
    """Seconds from now, by the server's clock; None if `at` says when."""
    at: datetime | None = None
    """Due at this moment; of two merged messages one may say `delay`: the earlier counts."""
    headers_text: str = ""
    """The headers as JSON text; empty until somebody asks."""

    def encode_headers(self) -> str:
        """Return the headers as JSON text.

        Raises:
            UnsendableMessageError: one of them cannot be stored.
        """
        if not self.headers_text:
            self.headers_text = headers_to_jsonb(self.headers)
        return self.headers_text

    @property
    def dedup_key(self) -> str | None:
        key = self.headers.get(DEDUP_KEY)
        return None if key is None else str(key)


@dataclass(frozen=True, slots=True)
class Reply:
    """A message that a handler sends with its acknowledgement, if one of its causes is ours."""

    outgoing: Outgoing
    causes: frozenset[int]
    """`msg_id`s of the deliveries it descends from."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """A message that goes back to its queue: to be retried, or unprocessed."""

    delivery: Delivery
    delay: float
    headers: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Dead:
    """A message that goes to the dead letter queue with its report."""

    delivery: Delivery
    report: dict[str, Any]
    headers: dict[str, Any]


@dataclass(slots=True)
class Settlement:
    """How some deliveries of one queue end, in one transaction."""

    acks: list[Delivery] = field(default_factory=list)
    deferred: list[Deferred] = field(default_factory=list)
    dead: list[Dead] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    sends: list[Outgoing] = field(default_factory=list)
    """Replies that depend on no acknowledgement of this settlement."""

    @property
    def is_empty(self) -> bool:
        return not (self.acks or self.deferred or self.dead or self.sends)

    @property
    def is_more_than_acks(self) -> bool:
        return not self.is_plain

    @property
    def is_plain(self) -> bool:
        """Return whether there is nothing to write but acknowledgements."""
        return not (self.replies or self.sends or self.deferred or self.dead)

    @property
    def size(self) -> int:
        """How many deliveries end."""
        return len(self.acks) + len(self.deferred) + len(self.dead)

    @property
    def deliveries(self) -> list[Delivery]:
        if self.is_plain:
            return list(self.acks)
        ended = [one.delivery for one in (*self.deferred, *self.dead)]
        return [*self.acks, *ended]

    def add(self, other: Settlement) -> None:
        self.acks += other.acks
        self.deferred += other.deferred
        self.dead += other.dead
        self.replies += other.replies
        self.sends += other.sends

    def without_settled(self) -> Settlement:
        """Return what is left to do after what the handler has settled itself."""
        if self.is_plain and not any(one.settled for one in self.acks):
            return self
        acks = [one for one in self.acks if not one.settled]
        ids = {one.msg_id for one in acks}
        return Settlement(
            acks=acks,
            deferred=[one for one in self.deferred if not one.delivery.settled],
            dead=[one for one in self.dead if not one.delivery.settled],
            replies=[reply for reply in self.replies if reply.causes & ids],
            sends=[*self.sends, *(r.outgoing for r in self.replies if not r.causes & ids)],
        )

    def outgoing(self, acked: set[int]) -> dict[str, list[Outgoing]]:
        """Return what to send, by queue, once these were acknowledged."""
        due = [reply.outgoing for reply in self.replies if reply.causes & acked]
        return by_queue([*self.sends, *due])


def by_queue(messages: Sequence[Outgoing]) -> dict[str, list[Outgoing]]:
    """Return what to send, by queue; queues and keys in one order for all: nobody can deadlock."""
    queues: dict[str, list[Outgoing]] = {}
    for message in sorted(messages, key=lambda one: one.queue):
        queues.setdefault(message.queue, []).append(message)
    return {queue: merge_duplicates(some)[0] for queue, some in queues.items()}


def merge_duplicates(messages: Sequence[Outgoing]) -> tuple[list[Outgoing], list[int]]:
    """Return messages of one queue with each dedup_key once, and where each stood.

    One statement cannot touch a row twice; and keys are locked in order, so that two senders of
    the same keys cannot deadlock.
    """
    kept: list[int] = []
    first: dict[str, Outgoing] = {}
    for index, message in enumerate(messages):
        key = message.dedup_key
        if key is not None and key in first:
            _merge(first[key], message)
            continue
        if key is not None:
            first[key] = message
        kept.append(index)
    kept.sort(key=lambda index: messages[index].dedup_key or "")
    return [messages[index] for index in kept], kept


def _merge(waiting: Outgoing, later: Outgoing) -> None:
    merge_into(waiting.headers, later.headers)
    waiting.headers_text = ""
    waiting.delay = _earlier(waiting.delay, later.delay)
    waiting.at = _earlier(waiting.at, later.at)


def _earlier(one: T | None, other: T | None) -> T | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def in_statements(messages: Sequence[Outgoing]) -> Iterator[Sequence[Outgoing]]:
    """Yield messages in order, as many at a time as one statement should send."""
    first, size = 0, 0
    for index, message in enumerate(messages):
        length = len(message.text) + len(message.headers_text)
        if index - first >= STATEMENT_MESSAGES or (size and size + length > STATEMENT_BYTES):
            yield messages[first:index]
            first, size = index, 0
        size += length
    if first < len(messages):
        yield messages[first:]


def merge_into(waiting: dict[str, Any], later: dict[str, Any]) -> None:
    """Let a waiting message's headers remember the trace of one that was merged into it."""
    links = [
        *_links(waiting.get(TRACELINKS)),
        *_links([later.get(TRACEPARENT)]),
        *_links(later.get(TRACELINKS)),
    ]
    if links:
        waiting[TRACELINKS] = links[:MAX_TRACELINKS]


def _links(value: object) -> list[str]:
    # Headers are any JSON, and senders other than this broker write them too.
    if not isinstance(value, list):
        return []
    return [link for link in value if isinstance(link, str)]  # pyright: ignore[reportUnknownVariableType]
