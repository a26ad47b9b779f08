"""Queues in memory, for `TestPgmqBroker`. They pass the tests that Postgres passes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from faststream._internal._compat import json_loads

from faststream_pgmq.delivery import (
    DEAD_LETTER,
    DEDUP_KEY,
    Claimed,
    Delivery,
    merge_into,
)
from faststream_pgmq.grouping import group_of, last_visited
from faststream_pgmq.pausing import PausedQueue
from faststream_pgmq.replying import TEMPORARY, Waiting, is_reply_address

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterable,
        Awaitable,
        Callable,
        Iterable,
        Iterator,
        Sequence,
    )

    from faststream_pgmq.delivery import Dead, Deferred, Outgoing, Settlement
    from faststream_pgmq.grouping import Grouping
    from faststream_pgmq.retention import Retention
    from faststream_pgmq.sending import CallersConnection


@dataclass(slots=True)
class StoredMessage:
    """One row of a queue."""

    msg_id: int
    text: str
    headers: dict[str, Any]
    enqueued_at: datetime
    vt: datetime
    read_ct: int = 0
    in_hand: bool = False
    """Claimed, and not written back since; its lease may have run out."""
    archived_at: datetime | None = None

    @property
    def body(self) -> Any:
        """The message as SQL would see it."""
        return json_loads(self.text)


@dataclass(slots=True)
class StoredQueue:
    """One queue with its archive; its dead letters are a queue of their own."""

    messages: dict[int, StoredMessage] = field(default_factory=dict[int, StoredMessage])
    archive: list[StoredMessage] = field(default_factory=list[StoredMessage])
    last_id: int = 0


class MemoryQueues:
    """See `storage.Queues`; its clock moves only when told to."""

    def __init__(self) -> None:
        self._queues: dict[str, StoredQueue] = {}
        self._moved = timedelta()
        self._changed = asyncio.Event()
        self._paused: dict[str, PausedQueue] = {}
        self._on_pause: dict[str, list[Callable[[], None]]] = {}
        self.inbox = MemoryInbox()

    def __getitem__(self, queue: str) -> StoredQueue:
        return self._queues.setdefault(queue.lower(), StoredQueue())

    @property
    def place(self) -> str:
        return f"memory:{id(self)}"

    def now(self) -> datetime:
        return datetime.now(UTC) + self._moved

    def advance(self, seconds: float) -> None:
        """Move the clock forward: what was delayed becomes due."""
        self._moved += timedelta(seconds=seconds)

    async def check(self, queue: str, grouping: Grouping | None = None) -> bool:
        return True

    def doorbell(self, queue: str, on_pause: Callable[[], None] | None = None) -> MemoryDoorbell:
        if on_pause is not None:
            self._on_pause.setdefault(queue.lower(), []).append(on_pause)
        return MemoryDoorbell(self._changed)

    async def pause(self, queue: str, reason: str) -> bool:
        name, former = queue.lower(), self._paused.get(queue.lower())
        since = self.now() if former is None else former.paused_at
        self._paused[name] = PausedQueue(name, reason, since, "")
        if former is None:
            for tell in self._on_pause.get(name, []):
                tell()
            self._ring()
        return former is None

    async def resume(self, queue: str) -> bool:
        was_paused = self._paused.pop(queue.lower(), None) is not None
        self._ring()
        return was_paused

    async def paused(self) -> list[PausedQueue]:
        return sorted(self._paused.values(), key=lambda one: one.paused_at)

    async def sweep(self, queue: str, retention: Retention) -> int:
        names = (queue, f"{queue}_dlq")
        done = (
            0 if retention.archive is None else self._purge(names, self.now() - retention.archive)
        )
        if retention.dead_letters is not None:
            letters, before = self[f"{queue}_dlq"].messages, self.now() - retention.dead_letters
            old = [row.msg_id for row in letters.values() if row.enqueued_at <= before]
            for msg_id in old:
                del letters[msg_id]
            done += len(old)
        return done

    def _purge(self, names: tuple[str, str], before: datetime) -> int:
        done = 0
        for archive in (self[name].archive for name in names):
            kept = [row for row in archive if row.archived_at is None or row.archived_at > before]
            done += len(archive) - len(kept)
            archive[:] = kept
        return done

    async def claim(self, queue: str, *, mark: int | None, limit: int, lease: float) -> Claimed:
        now = self.now()
        rows = self[queue].messages.values()
        due = [row for row in rows if row.vt <= now and row.msg_id >= (mark or 0)]
        if mark is None:
            due.sort(key=lambda row: row.vt)
        return self._take(queue, due[:limit], now, lease)

    async def claim_by_groups(
        self, queue: str, grouping: Grouping, *, after: str, limit: int, lease: float
    ) -> tuple[Claimed, str]:
        now = self.now()
        some = list(choose_by_groups(self[queue].messages.values(), grouping, after, now))[:limit]
        names = {group_of(row.headers) for row in some}
        return self._take(queue, some, now, lease), last_visited(names, after)

    def _take(self, queue: str, due: list[StoredMessage], now: datetime, lease: float) -> Claimed:
        if (pause := self._paused.get(queue.lower())) is not None:
            return Claimed([], paused=pause.reason)
        for row in due:
            row.read_ct += 1
            row.vt = now + timedelta(seconds=lease)
            row.in_hand = True
        if due:
            due.sort(key=lambda row: row.msg_id)
            return Claimed([_delivery(queue, row, now) for row in due])
        rows = self[queue].messages.values()
        hidden = [(row.vt - now).total_seconds() for row in rows if row.vt > now]
        return Claimed([], next_due=min(hidden, default=None))

    async def extend(self, queue: str, deliveries: Sequence[Delivery], lease: float) -> set[int]:
        ours = [row for one in deliveries if (row := self._find(queue, one)) and row.in_hand]
        for row in ours:
            row.vt = self.now() + timedelta(seconds=lease)
        return {row.msg_id for row in ours}

    async def tell(
        self, queue: str, deliveries: Sequence[Delivery], gone: Sequence[Delivery]
    ) -> None:
        """Nobody looks from outside: a delivery holds its own progress."""

    async def settle(
        self, queue: str, settlement: Settlement, *, archive: bool, ring: bool = False
    ) -> set[int]:
        acked = {one.msg_id for one in settlement.acks if self._finish(queue, one, archive)}
        for destination, messages in settlement.outgoing(acked).items():
            await self.send(destination, messages)
        dead = sorted(settlement.dead, key=lambda one: one.delivery.msg_id)
        buried = {one.delivery.msg_id for one in dead if self._bury(queue, one)}
        deferred = {one.delivery.msg_id for one in settlement.deferred if self._defer(queue, one)}
        self._ring()
        return {one.msg_id for one in settlement.deliveries} - acked - buried - deferred

    async def send(
        self,
        queue: str,
        messages: Sequence[Outgoing],
        connection: CallersConnection | None = None,
    ) -> list[int | None]:
        if is_reply_address(queue):
            self.inbox.receive(messages)
            return [None] * len(messages)
        sent = [self._insert(queue, message) for message in messages]
        self._ring()
        return sent

    async def send_together(
        self,
        queue: str,
        parts: AsyncIterable[Sequence[Outgoing]],
        connection: CallersConnection | None = None,
    ) -> list[int | None]:
        messages = [message async for part in parts for message in part]
        return await self.send(queue, messages)

    def _ring(self) -> None:
        self._changed.set()
        self._changed.clear()

    def _insert(self, queue: str, message: Outgoing) -> int | None:
        # Through JSON and back, as in the database: a handler must not share objects with a sender.
        headers = json_loads(message.encode_headers())
        due = self._due(message)
        if (waiting := self._find_waiting(queue, message.dedup_key)) is not None:
            merge_into(waiting.headers, headers)
            waiting.vt = min(waiting.vt, due)
            return None
        stored = self[queue]
        stored.last_id += 1
        row = StoredMessage(stored.last_id, message.text, headers, self.now(), due)
        stored.messages[row.msg_id] = row
        return row.msg_id

    def _due(self, message: Outgoing) -> datetime:
        now = self.now()
        delayed = None if message.delay is None else now + timedelta(seconds=message.delay)
        wanted = [one for one in (delayed, message.at) if one is not None]
        return max(now, min(wanted, default=now))

    def _find_waiting(self, queue: str, dedup_key: str | None) -> StoredMessage | None:
        for row in self[queue].messages.values():
            if dedup_key is not None and (row.read_ct, row.headers.get(DEDUP_KEY)) == (
                0,
                dedup_key,
            ):
                return row
        return None

    def _find(self, queue: str, delivery: Delivery) -> StoredMessage | None:
        row = self[queue].messages.get(delivery.msg_id)
        return row if row is not None and row.read_ct == delivery.read_ct else None

    def _finish(self, queue: str, delivery: Delivery, archive: bool) -> bool:
        if (row := self._find(queue, delivery)) is None:
            return False
        del self[queue].messages[row.msg_id]
        if archive:
            row.archived_at = self.now()
            self[queue].archive.append(row)
        return True

    def _defer(self, queue: str, deferred: Deferred) -> bool:
        if (row := self._find(queue, deferred.delivery)) is None:
            return False
        row.headers |= deferred.headers
        row.in_hand = False
        row.vt = self.now() + timedelta(seconds=deferred.delay)
        return True

    def _bury(self, queue: str, dead: Dead) -> bool:
        if (row := self._find(queue, dead.delivery)) is None:
            return False
        del self[queue].messages[row.msg_id]
        report = {
            **dead.report,
            "queue": queue,
            "msg_id": row.msg_id,
            "deliveries": row.read_ct,
            "enqueued_at": row.enqueued_at.isoformat(),
            "failed_at": self.now().isoformat(),
        }
        letters = self[f"{queue}_dlq"]
        letters.last_id += 1
        headers = {**row.headers, **dead.headers, DEAD_LETTER: report}
        letter = StoredMessage(letters.last_id, row.text, headers, self.now(), self.now())
        letters.messages[letter.msg_id] = letter
        return True


def choose_by_groups(
    rows: Iterable[StoredMessage], grouping: Grouping, after: str, now: datetime
) -> Iterator[StoredMessage]:
    """Yield what may be claimed now, one of each group in turn, beginning behind `after`."""
    groups: dict[str, list[StoredMessage]] = {}
    for row in rows:
        groups.setdefault(group_of(row.headers), []).append(row)
    ring = sorted(groups, key=lambda name: (name <= after, name))
    for turn in zip_longest(*(_allowed(groups[name], grouping, now) for name in ring)):
        yield from (row for row in turn if row is not None)


def _allowed(rows: list[StoredMessage], grouping: Grouping, now: datetime) -> list[StoredMessage]:
    if grouping.in_order:
        rows = [min(rows, key=lambda row: row.msg_id)] if not _in_hand(rows, now) else []
    due = sorted((row for row in rows if row.vt <= now), key=lambda row: row.vt)
    return due if grouping.most is None else due[: max(0, grouping.most - _in_hand(rows, now))]


def _in_hand(rows: list[StoredMessage], now: datetime) -> int:
    return sum(row.in_hand and row.vt > now for row in rows)


class MemoryInbox:
    """See `storage.Inbox`; time stands still, so an answer is there at once or never."""

    def __init__(self) -> None:
        self._waiting = Waiting()

    async def ask(
        self,
        send: Callable[[str], Awaitable[object]],
        timeout: float | None,  # noqa: ASYNC109 - it says None instead of raising
    ) -> Delivery | None:
        with self._waiting.one() as (address, answer):
            try:
                async with asyncio.timeout(timeout):
                    await send(address)
            except TimeoutError:
                if timeout is None:
                    raise
            return answer.result() if answer.done() else None

    def receive(self, replies: Sequence[Outgoing]) -> None:
        for reply in replies:
            now, headers = datetime.now(UTC), json_loads(reply.encode_headers())
            self._waiting.take(
                reply.queue, Delivery(TEMPORARY, 0, 1, now, now, reply.text, headers)
            )


class MemoryDoorbell:
    """Sleeps until anything is sent to any queue."""

    def __init__(self, changed: asyncio.Event) -> None:
        self._changed = changed

    async def listen(self) -> None:
        """Pauses are always heard."""

    async def sleep(
        self, read: Callable[[], Awaitable[Claimed]], limit: float, *, paused: bool = False
    ) -> Claimed:
        claimed = await read()
        if not claimed.deliveries and (claimed.paused is not None) == paused:
            due = limit if claimed.next_due is None else min(limit, claimed.next_due)
            try:
                async with asyncio.timeout(due):
                    await self._changed.wait()
            except TimeoutError:
                pass
        return claimed

    async def close(self) -> None:
        """Nothing to close."""


def _delivery(queue: str, row: StoredMessage, now: datetime) -> Delivery:
    return Delivery(
        queue, row.msg_id, row.read_ct, row.enqueued_at, now, row.text, dict(row.headers)
    )
